#[sim::test(budget = 30)]
async fn name() {}

fn main() {}
