#[sim::test(seeds = "many")]
async fn name() {}

fn main() {}
