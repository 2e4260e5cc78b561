//! The configuration of a node: what is written is read.

#![no_main]

use comity_node::Config;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(config) = toml::from_str::<Config>(text) {
        assert_eq!(toml::from_str::<Config>(&config.text()).expect("what is written"), config);
    }
});
