#[sim::test(exhaustive, seeds = 9)]
async fn name() {}

fn main() {}
