use super::*;

fn ok(text: &str) -> Pattern {
    parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn fault(text: &str) -> Fault {
    match parse(text) {
        Ok(_) => panic!("parsed: {text}"),
        Err(error) => error.fault,
    }
}

#[test]
fn s060_the_tree_has_the_shape_of_the_text() {
    let pattern =
        ok("[a:b = 1 OR a:c = 2 AND a:d = 3] AND [e:f = 'x'] OR [g:h = true] FOLLOWEDBY \
         ([i:j = 1.5] REPEATS 2 TIMES) WITHIN 5 SECONDS");
    let Observation::FollowedBy(parts) = &pattern.root else {
        panic!("FOLLOWEDBY binds least");
    };
    let Observation::Or(either) = &parts[0] else {
        panic!("then OR");
    };
    let Observation::And(both) = &either[0] else {
        panic!("then AND");
    };
    let Observation::Test(Test::Or(inside)) = &both[0] else {
        panic!("OR inside the brackets");
    };
    assert!(matches!(inside[1], Test::And(_)));
    let Observation::Qualified(inner, qualifiers) = &parts[1] else {
        panic!("qualifiers bind most");
    };
    assert_eq!(qualifiers, &[Qualifier::Within(5.0)]);
    assert!(matches!(**inner, Observation::Qualified(..)));
    let types: Vec<&str> =
        pattern.comparisons().iter().map(|comparison| comparison.object_type.as_str()).collect();
    assert_eq!(types, ["a", "a", "a", "e", "g", "i"]);
}

#[test]
fn s060_brackets_are_needed_and_types_that_cannot_meet_are_told() {
    assert_eq!(fault("file:size = 1"), Fault::Expected("`[` or `(`"));
    assert_eq!(fault("[file:size = 1"), Fault::End);
    assert_eq!(fault(""), Fault::End);
    assert!(ok("[a:b = 1 AND c:d = 2]").joins_different_types());
    assert!(ok("[(a:b = 1 OR c:d = 2) AND e:f = 2]").joins_different_types());
    assert!(!ok("[(a:b = 1 OR c:d = 2) AND c:d = 2]").joins_different_types());
    assert!(!ok("[a:b = 1 OR c:d = 2]").joins_different_types());
    assert!(!ok("[a:b = 1] AND [c:d = 2]").joins_different_types());
}

#[test]
fn s061_keywords_are_exact_and_qualifiers_stand_once() {
    assert!(matches!(fault("[a:b=1] within 2 SECONDS"), Fault::Expected(_)));
    assert_eq!(fault("[a:b=1] WITHIN 5 SECONDS WITHIN 6 SECONDS"), Fault::QualifierTwice);
    let nested = ok("([a:b=1] WITHIN 5 SECONDS) WITHIN 6 SECONDS");
    assert_eq!(nested, ok("([a:b=1]) WITHIN 5 SECONDS WITHIN 6 SECONDS"));
    let many = format!("([a:b=1]){}", " REPEATS 2 TIMES".repeat(PATTERN_DEPTH_MAX + 2));
    assert_eq!(fault(&many), Fault::TooDeep);
    ok("[a:b=1] WITHIN 0.5 SECONDS REPEATS 3 TIMES");
    for bad in [
        "[a:b=1] WITHIN 0 SECONDS",
        "[a:b=1] REPEATS 0 TIMES",
        "[a:b=1] REPEATS 1.5 TIMES",
        "[a:b=1] WITHIN -5 SECONDS",
        "[a:b=1] START '2020-01-01T00:00:00Z' STOP t'2020-01-01T00:00:00Z'",
    ] {
        assert!(matches!(fault(bad), Fault::Expected(_)), "{bad}");
    }
    let never = "[a:b=1] START t'2020-01-02T00:00:00Z' STOP t'2020-01-01T00:00:00Z'";
    assert!(ok(never).has_empty_window());
}

#[test]
fn s062_operators() {
    for operator in ["=", "!=", ">", "<", ">=", "<=", "LIKE", "MATCHES", "ISSUBSET"] {
        ok(&format!("[a:b {operator} 'x']"));
        assert!(ok(&format!("[a:b NOT {operator} 'x']")).comparisons()[0].negated);
    }
    let exists = ok("[EXISTS a:b.c]");
    assert_eq!(exists.comparisons()[0].operator, Operator::Exists);
    assert!(exists.comparisons()[0].values.is_empty());
    let set = ok("[a:b IN (1, 2.5)]");
    assert_eq!(set.comparisons()[0].values, [Literal::Integer(1), Literal::Float(2.5)]);
    assert_eq!(fault("[a:b IN (1, 'x')]"), Fault::MixedSet);
    assert!(matches!(fault("[a:b IN ()]"), Fault::Expected(_)));
    assert!(matches!(fault("[a:b LIKE 1]"), Fault::Expected(_)));
    assert!(matches!(fault("[a:b > true]"), Fault::Expected(_)));
    assert!(matches!(fault("[NOT a:b = 1]"), Fault::Expected(_)));
}

#[test]
fn s063_literals() {
    let values = |text: &str| ok(&format!("[a:b = {text}]")).comparisons()[0].values[0].clone();
    assert_eq!(values(r"'it\'s \\ it'"), Literal::Text(r"it's \ it".into()));
    assert_eq!(values("-12"), Literal::Integer(-12));
    assert_eq!(values("9007199254740991"), Literal::Integer(9_007_199_254_740_991));
    assert_eq!(values(".5"), Literal::Float(0.5));
    assert_eq!(values("false"), Literal::Bool(false));
    assert_eq!(values("h'00Ff'"), Literal::Hex("00Ff".into()));
    assert_eq!(values("b'AA=='"), Literal::Binary("AA==".into()));
    assert!(matches!(values("t'2024-02-30T12:00:00Z'"), Literal::Timestamp(_)));
    for bad in [
        "9007199254740992",
        "01",
        "1.",
        "1e5",
        "h'f'",
        "b'===='",
        "t'2024-13-01T00:00:00Z'",
        r"'\d'",
        "\u{6f22}",
    ] {
        assert!(parse(&format!("[a:b = {bad}]")).is_err(), "{bad}");
    }
}

#[test]
fn s064_paths_and_hashes() {
    let pattern = ok("[file:extensions.'ntfs-ext'.streams[0].x[*] = 1]");
    assert_eq!(
        pattern.comparisons()[0].path,
        [
            Step::Property("extensions".into()),
            Step::Property("ntfs-ext".into()),
            Step::Property("streams".into()),
            Step::Index(0),
            Step::Property("x".into()),
            Step::AnyIndex,
        ]
    );
    for bad in ["[a:b-c = 1]", "[a:[0] = 1]", "[a: = 1]", "[a:b[-1] = 1]", "[a:b.IN = 1]"] {
        assert!(matches!(fault(bad), Fault::Expected(_)), "{bad}");
    }
    assert_eq!(fault("[file:hashes.'SHA-256' = 'f00']"), Fault::Hash);
    ok("[file:hashes.'SHA-256' LIKE 'f00%']");
    ok("[file:hashes[*] = 'f00']");
    ok("[file:hashes.own = 'f00']");
}

#[test]
fn s068_depth_and_length_are_bounded() {
    let deep = |levels: usize| "(".repeat(levels) + "[a:b = 1]" + &")".repeat(levels);
    ok(&deep(PATTERN_DEPTH_MAX));
    assert_eq!(fault(&deep(PATTERN_DEPTH_MAX + 1)), Fault::TooDeep);
    assert_eq!(fault(&"(".repeat(100_000)), Fault::TooDeep);
    let inside = format!("[{}a:b = 1{}]", "(".repeat(33), ")".repeat(33));
    assert_eq!(fault(&inside), Fault::TooDeep);
    let chain = vec!["[a:b = 1]"; 10_000].join(" AND ");
    assert_eq!(ok(&chain).comparisons().len(), 10_000);
    assert_eq!(fault(&" ".repeat(PATTERN_BYTES_MAX + 1)), Fault::TooLong);
    // A regular expression that would run for ever is read like any other text.
    ok("[a:b MATCHES '((((a+)+)+)+)+$']");
}

#[test]
fn an_error_names_a_position_and_a_class_and_no_content() {
    let error = parse("[file:name = secret]").unwrap_err();
    assert_eq!(error.to_string(), "a literal expected at octet 13");
}
