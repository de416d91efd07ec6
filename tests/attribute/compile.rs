//! What the compiler says where the attribute is used wrongly.

#[test]
fn mistakes_are_named_where_they_stand() {
    trybuild::TestCases::new().compile_fail("attribute/ui/*.rs");
}
