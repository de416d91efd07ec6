#[sim::test(seads = 256)]
async fn name() {}

fn main() {}
