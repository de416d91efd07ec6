#[sim::test(seeds = 0)]
async fn name() {}

fn main() {}
