#[sim::test]
async fn name(seed: u64) {
    let _ = seed;
}

fn main() {}
