#[sim::test]
fn name() {}

fn main() {}
