//! The documentation says what the code does.

use std::path::Path;

use http_api::CosCode;

#[test]
fn every_error_code_is_listed_once() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/api-cos.md");
    let document = std::fs::read_to_string(path).expect("docs/api-cos.md");
    for code in CosCode::ALL {
        let row = format!("| {} |", code.number());
        assert_eq!(document.matches(&row).count(), 1, "code {}", code.number());
    }
}
