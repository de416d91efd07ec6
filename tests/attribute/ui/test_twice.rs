#[sim::test]
#[test]
async fn name() {}

fn main() {}
