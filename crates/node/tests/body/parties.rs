//! The other parties of a body: tiers, and keys that nobody has.

/// Keys of a party that nobody has, of the form that a charter asks for.
pub(crate) fn genesis(party: &str) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let seed = |number: u8| {
        let mut seed = [number; 32];
        seed.iter_mut().zip(party.bytes()).for_each(|(slot, octet)| *slot = octet);
        seed
    };
    let vkey = |number: u8, log: &str| {
        let key = comity_tlog::SigningKey::from_bytes(&seed(number));
        let name = format!("{party}/{log}");
        comity_tlog::Verifier::new(&name, &key.verifying_key()).unwrap().vkey()
    };
    let next: String = seed(5).iter().map(|octet| format!("{octet:02x}")).collect();
    format!(
        "[party.genesis]\nshared = \"{}\"\nacts = \"{}\"\naudit = \"{}\"\n\
         transport = \"sha256//{}\"\nnext = \"{next}\"\n",
        vkey(1, "shared"),
        vkey(2, "acts"),
        vkey(3, "audit"),
        STANDARD.encode(seed(4)),
    )
}

/// The tiers of these charters.
pub(crate) const TIERS: &str = r#"
[[tier]]
id = "member"
name = "Member"
rights = ["receive", "share", "decide", "attend"]

[[tier]]
id = "observer"
name = "Observer"
rights = ["receive", "attend"]

[[tier]]
id = "partner"
name = "Partner"
rights = ["receive"]
"#;
