//! The query of a TAXII request.

#![no_main]

use comity_wire::taxii::filter::{Next, Query};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match Query::parse(text) {
        Ok(query) => {
            if let Some(Next(at)) = query.next {
                let again = Query::parse(&format!("next={}", Next(at).token())).expect("a token");
                assert_eq!(again.next.map(|next| next.0), Some(at));
            }
        }
        Err(error) => assert!(error.to_string().len() < 4096),
    }
});
