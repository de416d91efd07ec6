#[sim::test(seed = 1, seed = 2)]
async fn name() {}

fn main() {}
