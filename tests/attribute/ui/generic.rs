#[sim::test]
async fn name<T>() {}

fn main() {}
