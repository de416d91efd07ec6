#[sim::test(seeds)]
async fn name() {}

fn main() {}
