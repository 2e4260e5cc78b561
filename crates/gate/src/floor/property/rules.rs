//! The words that the floor keeps out of names. Each rule says how its words have to stand, and
//! which other words in the name show that something else is meant (`health_check`).

use super::super::code;
use super::{Subject, is_one_of, strip_vendor, words};

/// How the words of a rule have to stand in a name.
pub(super) enum How {
    /// One behind the other, anywhere.
    Anywhere,
    /// At the end.
    Last,
    /// Nothing else beside them, but for `x` and a vendor's name.
    Alone,
}

pub(super) struct Rule {
    pub(super) how: How,
    pub(super) words: &'static [&'static str],
    pub(super) subject: Subject,
    pub(super) unless: &'static [&'static str],
}

const fn sensitive(what: &'static str) -> Subject {
    Subject { code: &code::SENSITIVE_FIELD, what }
}

const NATIONALITY: Subject = sensitive("a property named for nationality");
const ETHNICITY: Subject = sensitive("a property named for ethnicity");
const RELIGION: Subject = sensitive("a property named for religion or belief");
const POLITICS: Subject = sensitive("a property named for political opinion");
const SEXUALITY: Subject = sensitive("a property named for sexual orientation");
const HEALTH: Subject = sensitive("a property named for health");
const BIOMETRICS: Subject = sensitive("a property named for biometrics");
const PAPERS: Subject = sensitive("a property named for identity papers");
const PHONE: Subject = sensitive("a property named for a phone");
const BIRTH: Subject = sensitive("a property named for a birth");
const ASYLUM: Subject = sensitive("a property named for asylum");
const CUSTODY: Subject = sensitive("a property named for custody");
const PERSON: Subject =
    Subject { code: &code::PERSON_FIELD, what: "a property that only a person has" };
const MAILBOX: Subject = Subject { code: &code::MAILBOX, what: "a property named for a mailbox" };
const ACCOUNT: Subject = Subject { code: &code::ACCOUNT, what: "a property named for an account" };

const fn rule(
    how: How,
    words: &'static [&'static str],
    subject: Subject,
    unless: &'static [&'static str],
) -> Rule {
    Rule { how, words, subject, unless }
}

use How::{Alone, Anywhere, Last};

/// Words that speak of machines and services where `health` does.
const MACHINE_HEALTH: &[&str] = &[
    "check",
    "checker",
    "probe",
    "endpoint",
    "url",
    "monitor",
    "monitoring",
    "system",
    "service",
    "node",
    "host",
    "device",
    "disk",
    "network",
    "battery",
    "server",
    "cluster",
    "app",
    "application",
    "component",
    "sensor",
    "feed",
    "link",
    "port",
    "api",
    "sector",
    "care",
    "industry",
    "ministry",
    "organization",
];

/// Words that speak of evidence and of money where `custody` does.
const THING_CUSTODY: &[&str] = &["chain", "evidence", "wallet", "crypto", "provider", "asset"];

/// Words that speak of platforms and of malware where `phone` does.
const THING_PHONE: &[&str] = &["home", "i", "model", "os", "windows", "platform"];

#[rustfmt::skip]
pub(super) static RULES: &[Rule] = &[
    rule(Anywhere, &["nationality"], NATIONALITY, &[]),
    rule(Anywhere, &["nationalities"], NATIONALITY, &[]),
    rule(Anywhere, &["citizen"], NATIONALITY, &[]),
    rule(Anywhere, &["citizenship"], NATIONALITY, &[]),
    rule(Anywhere, &["ethnic"], ETHNICITY, &[]),
    rule(Anywhere, &["ethnicity"], ETHNICITY, &[]),
    rule(Anywhere, &["racial"], ETHNICITY, &[]),
    rule(Anywhere, &["caste"], ETHNICITY, &[]),
    rule(Anywhere, &["ancestry"], ETHNICITY, &[]),
    rule(Alone, &["race"], ETHNICITY, &[]),
    rule(Alone, &["tribe"], ETHNICITY, &[]),
    rule(Anywhere, &["tribal"], ETHNICITY, &[]),
    rule(Anywhere, &["skin", "color"], ETHNICITY, &[]),
    rule(Anywhere, &["skin", "colour"], ETHNICITY, &[]),
    rule(Anywhere, &["national", "origin"], ETHNICITY, &[]),
    rule(Anywhere, &["social", "origin"], ETHNICITY, &[]),
    rule(Anywhere, &["minority", "group"], ETHNICITY, &[]),
    rule(Anywhere, &["religion"], RELIGION, &[]),
    rule(Anywhere, &["religious"], RELIGION, &[]),
    rule(Anywhere, &["belief"], RELIGION,
        &["score", "degree", "network", "propagation", "mass", "function", "level"]),
    rule(Alone, &["creed"], RELIGION, &[]),
    rule(Alone, &["faith"], RELIGION, &[]),
    rule(Alone, &["sect"], RELIGION, &[]),
    rule(Alone, &["politics"], POLITICS, &[]),
    rule(Alone, &["political"], POLITICS, &[]),
    rule(Anywhere, &["political", "opinion"], POLITICS, &[]),
    rule(Anywhere, &["opinion", "political"], POLITICS, &[]),
    rule(Anywhere, &["political", "affiliation"], POLITICS, &[]),
    rule(Anywhere, &["political", "view"], POLITICS, &[]),
    rule(Anywhere, &["political", "party"], POLITICS, &[]),
    rule(Anywhere, &["political", "orientation"], POLITICS, &[]),
    rule(Anywhere, &["political", "leaning"], POLITICS, &[]),
    rule(Anywhere, &["political", "membership"], POLITICS, &[]),
    rule(Anywhere, &["political", "conviction"], POLITICS, &[]),
    rule(Anywhere, &["political", "ideology"], POLITICS, &[]),
    rule(Anywhere, &["party", "affiliation"], POLITICS, &[]),
    rule(Anywhere, &["party", "membership"], POLITICS, &[]),
    rule(Anywhere, &["trade", "union"], POLITICS, &[]),
    rule(Anywhere, &["union", "membership"], POLITICS, &[]),
    rule(Anywhere, &["sexual"], SEXUALITY, &["abuse", "exploitation", "content", "material"]),
    rule(Anywhere, &["sexuality"], SEXUALITY, &[]),
    rule(Anywhere, &["lgbt"], SEXUALITY, &[]),
    rule(Anywhere, &["lgbtq"], SEXUALITY, &[]),
    rule(Anywhere, &["gender"], PERSON, &[]),
    rule(Alone, &["sex"], PERSON, &[]),
    rule(Anywhere, &["health"], HEALTH, MACHINE_HEALTH),
    rule(Alone, &["medical"], HEALTH, &[]),
    rule(Anywhere, &["medical", "record"], HEALTH, &[]),
    rule(Anywhere, &["medical", "history"], HEALTH, &[]),
    rule(Anywhere, &["medical", "condition"], HEALTH, &[]),
    rule(Anywhere, &["medical", "data"], HEALTH, &[]),
    rule(Anywhere, &["medical", "file"], HEALTH, &[]),
    rule(Anywhere, &["patient"], HEALTH, &["zero"]),
    rule(Anywhere, &["disability"], HEALTH, &[]),
    rule(Anywhere, &["disabilities"], HEALTH, &[]),
    rule(Anywhere, &["hiv"], HEALTH, &[]),
    rule(Alone, &["diagnosis"], HEALTH, &[]),
    rule(Anywhere, &["illness"], HEALTH, &[]),
    rule(Anywhere, &["pregnancy"], HEALTH, &[]),
    rule(Anywhere, &["vaccination"], HEALTH, &[]),
    rule(Anywhere, &["blood", "type"], HEALTH, &[]),
    rule(Anywhere, &["blood", "group"], HEALTH, &[]),
    rule(Anywhere, &["biometric"], BIOMETRICS, &[]),
    rule(Anywhere, &["biometry"], BIOMETRICS, &[]),
    rule(Anywhere, &["facial"], BIOMETRICS, &[]),
    rule(Anywhere, &["face", "recognition"], BIOMETRICS, &[]),
    rule(Anywhere, &["face", "image"], BIOMETRICS, &[]),
    rule(Anywhere, &["face", "id"], BIOMETRICS, &[]),
    rule(Anywhere, &["face", "template"], BIOMETRICS, &[]),
    rule(Anywhere, &["retinal"], BIOMETRICS, &[]),
    rule(Anywhere, &["retina", "scan"], BIOMETRICS, &[]),
    rule(Anywhere, &["voice", "print"], BIOMETRICS, &[]),
    rule(Anywhere, &["voice", "sample"], BIOMETRICS, &[]),
    rule(Anywhere, &["faceprint"], BIOMETRICS, &[]),
    rule(Anywhere, &["voiceprint"], BIOMETRICS, &[]),
    rule(Anywhere, &["iris", "scan"], BIOMETRICS, &[]),
    rule(Anywhere, &["palm", "print"], BIOMETRICS, &[]),
    rule(Anywhere, &["finger", "print"], BIOMETRICS, &["certificate", "tls", "ssl", "key"]),
    rule(Anywhere, &["person", "fingerprint"], BIOMETRICS, &[]),
    rule(Anywhere, &["fingerprint", "image"], BIOMETRICS, &[]),
    rule(Alone, &["iris"], BIOMETRICS, &[]),
    rule(Alone, &["retina"], BIOMETRICS, &[]),
    rule(Alone, &["gait"], BIOMETRICS, &[]),
    rule(Alone, &["dna"], BIOMETRICS, &[]),
    rule(Anywhere, &["dna", "profile"], BIOMETRICS, &[]),
    rule(Anywhere, &["dna", "sample"], BIOMETRICS, &[]),
    rule(Anywhere, &["passport"], PAPERS, &[]),
    rule(Anywhere, &["ssn"], PAPERS, &[]),
    rule(Anywhere, &["social", "security"], PAPERS, &[]),
    rule(Anywhere, &["identity", "card"], PAPERS, &[]),
    rule(Anywhere, &["identity", "document"], PAPERS, &[]),
    rule(Anywhere, &["identity", "paper"], PAPERS, &[]),
    rule(Anywhere, &["identity", "number"], PAPERS, &[]),
    rule(Anywhere, &["national", "insurance"], PAPERS, &[]),
    rule(Anywhere, &["identification", "number"], PAPERS, &["vehicle"]),
    rule(Anywhere, &["id", "card"], PAPERS, &[]),
    rule(Anywhere, &["id", "document"], PAPERS, &[]),
    rule(Anywhere, &["national", "id"], PAPERS, &[]),
    rule(Anywhere, &["national", "identity"], PAPERS, &[]),
    rule(Anywhere, &["nationalid"], PAPERS, &[]),
    rule(Anywhere, &["personal", "id"], PAPERS, &[]),
    rule(Anywhere, &["personal", "number"], PAPERS, &[]),
    rule(Anywhere, &["travel", "document"], PAPERS, &[]),
    rule(Anywhere, &["residence", "permit"], PAPERS, &[]),
    rule(Anywhere, &["driver", "license"], PAPERS, &["kernel", "signed"]),
    rule(Anywhere, &["driver", "licence"], PAPERS, &["kernel", "signed"]),
    rule(Anywhere, &["driving", "license"], PAPERS, &[]),
    rule(Anywhere, &["driving", "licence"], PAPERS, &[]),
    rule(Alone, &["visa"], PAPERS, &[]),
    rule(Anywhere, &["visa", "number"], PAPERS, &[]),
    rule(Anywhere, &["visa", "no"], PAPERS, &[]),
    rule(Anywhere, &["visa", "type"], PAPERS, &[]),
    rule(Anywhere, &["redress", "number"], PAPERS, &[]),
    rule(Anywhere, &["aadhaar"], PAPERS, &[]),
    rule(Anywhere, &["snils"], PAPERS, &[]),
    rule(Anywhere, &["pesel"], PAPERS, &[]),
    rule(Anywhere, &["personnummer"], PAPERS, &[]),
    rule(Anywhere, &["phone"], PHONE, THING_PHONE),
    rule(Anywhere, &["telephone"], PHONE, &["network", "system", "exchange", "fraud"]),
    rule(Anywhere, &["cellphone"], PHONE, &[]),
    rule(Anywhere, &["msisdn"], PHONE, &[]),
    rule(Anywhere, &["imsi"], PHONE, &["catcher"]),
    rule(Anywhere, &["imei"], PHONE, &[]),
    rule(Alone, &["whatsapp"], PHONE, &[]),
    rule(Anywhere, &["fax"], PHONE, &[]),
    rule(Alone, &["tel"], PHONE, &[]),
    rule(Alone, &["mobile"], PHONE, &[]),
    rule(Anywhere, &["tel", "number"], PHONE, &[]),
    rule(Anywhere, &["tel", "no"], PHONE, &[]),
    rule(Anywhere, &["mobile", "number"], PHONE, &[]),
    rule(Anywhere, &["mobile", "no"], PHONE, &[]),
    rule(Anywhere, &["cell", "number"], PHONE, &[]),
    rule(Anywhere, &["contact", "number"], PHONE, &[]),
    rule(Anywhere, &["whatsapp", "number"], PHONE, &[]),
    rule(Anywhere, &["dob"], BIRTH, &[]),
    rule(Anywhere, &["birth"], BIRTH, &["file", "inode", "process"]),
    rule(Anywhere, &["birthday"], BIRTH, &["attack", "bound", "paradox"]),
    rule(Anywhere, &["birthdate"], BIRTH, &[]),
    rule(Anywhere, &["birthplace"], BIRTH, &[]),
    rule(Alone, &["born"], BIRTH, &[]),
    rule(Anywhere, &["born", "on"], BIRTH, &[]),
    rule(Anywhere, &["asylum"], ASYLUM, &[]),
    rule(Anywhere, &["refugee"], ASYLUM, &[]),
    rule(Anywhere, &["refoulement"], ASYLUM, &[]),
    rule(Anywhere, &["custody"], CUSTODY, THING_CUSTODY),
    rule(Anywhere, &["detainee"], CUSTODY, &[]),
    rule(Anywhere, &["detained"], CUSTODY, &[]),
    rule(Anywhere, &["custodial"], CUSTODY, &[]),
    rule(Anywhere, &["imprisoned"], CUSTODY, &[]),
    rule(Anywhere, &["incarcerated"], CUSTODY, &[]),
    rule(Anywhere, &["detention"], CUSTODY, &[]),
    rule(Anywhere, &["prisoner"], CUSTODY, &[]),
    rule(Anywhere, &["inmate"], CUSTODY, &[]),
    rule(Anywhere, &["imprisonment"], CUSTODY, &[]),
    rule(Anywhere, &["deportation"], CUSTODY, &[]),
    rule(Anywhere, &["extradition"], CUSTODY, &[]),
    rule(Anywhere, &["arrest"], CUSTODY, &[]),
    rule(Anywhere, &["arrested"], CUSTODY, &[]),
    rule(Anywhere, &["criminal", "record"], CUSTODY, &[]),
    rule(Anywhere, &["first", "name"], PERSON, &["server", "host"]),
    rule(Anywhere, &["last", "name"], PERSON, &["server", "host"]),
    rule(Anywhere, &["firstname"], PERSON, &[]),
    rule(Anywhere, &["lastname"], PERSON, &[]),
    rule(Anywhere, &["fullname"], PERSON, &[]),
    rule(Anywhere, &["givenname"], PERSON, &[]),
    rule(Anywhere, &["given", "name"], PERSON, &[]),
    rule(Anywhere, &["middle", "name"], PERSON, &[]),
    rule(Anywhere, &["maiden", "name"], PERSON, &[]),
    rule(Anywhere, &["father", "name"], PERSON, &[]),
    rule(Anywhere, &["mother", "name"], PERSON, &[]),
    rule(Anywhere, &["person", "name"], PERSON, &[]),
    rule(Anywhere, &["personal", "name"], PERSON, &[]),
    rule(Anywhere, &["surname"], PERSON, &[]),
    rule(Anywhere, &["forename"], PERSON, &[]),
    rule(Anywhere, &["patronymic"], PERSON, &[]),
    rule(Anywhere, &["spouse"], PERSON, &[]),
    rule(Anywhere, &["marital"], PERSON, &[]),
    rule(Anywhere, &["home", "address"], PERSON, &[]),
    rule(Anywhere, &["residential", "address"], PERSON, &[]),
    rule(Anywhere, &["private", "address"], PERSON, &["ip", "ipv", "range"]),
    rule(Anywhere, &["primary", "residence"], PERSON, &[]),
    rule(Anywhere, &["eye", "color"], PERSON, &[]),
    rule(Anywhere, &["eye", "colour"], PERSON, &[]),
    rule(Anywhere, &["hair", "color"], PERSON, &[]),
    rule(Anywhere, &["hair", "colour"], PERSON, &[]),
    rule(Anywhere, &["country", "of", "residence"], PERSON, &[]),
    rule(Anywhere, &["frequent", "flyer"], PERSON, &[]),
    rule(Anywhere, &["passenger", "name"], PERSON, &[]),
    rule(Anywhere, &["travel", "details"], PERSON, &[]),
    rule(Last, &["email"], MAILBOX, &["has", "is"]),
    rule(Anywhere, &["email", "address"], MAILBOX, &[]),
    rule(Anywhere, &["email", "hash"], MAILBOX, &[]),
    rule(Anywhere, &["email", "src"], MAILBOX, &[]),
    rule(Anywhere, &["email", "dst"], MAILBOX, &[]),
    rule(Anywhere, &["email", "reply", "to"], MAILBOX, &[]),
    rule(Anywhere, &["mail", "address"], MAILBOX, &[]),
    rule(Last, &["e", "mail"], MAILBOX, &[]),
    rule(Last, &["mailbox"], MAILBOX, &[]),
    rule(Anywhere, &["twitter", "id"], ACCOUNT, &[]),
    rule(Anywhere, &["twitter", "handle"], ACCOUNT, &[]),
    rule(Anywhere, &["telegram", "id"], ACCOUNT, &[]),
    rule(Anywhere, &["telegram", "handle"], ACCOUNT, &[]),
    rule(Anywhere, &["jabber", "id"], ACCOUNT, &[]),
    rule(Anywhere, &["github", "username"], ACCOUNT, &[]),
    rule(Anywhere, &["social", "media", "account"], ACCOUNT, &[]),
    rule(Anywhere, &["social", "media", "handle"], ACCOUNT, &[]),
    rule(Anywhere, &["social", "media", "profile"], ACCOUNT, &[]),
    rule(Last, &["screen", "name"], ACCOUNT, &[]),
    rule(Anywhere, &["target", "user"], ACCOUNT, &[]),
];

/// Looked for with all separators taken out. Long enough not to arise where two words meet.
#[rustfmt::skip]
pub(super) static STEMS: &[(&str, Subject)] = &[
    ("nationalit", NATIONALITY), ("citizenship", NATIONALITY), ("ethnicit", ETHNICITY),
    ("religio", RELIGION), ("politicalopin", POLITICS), ("politicalaffil", POLITICS),
    ("politicalview", POLITICS), ("sexualorient", SEXUALITY), ("sexualpref", SEXUALITY),
    ("healthcondition", HEALTH), ("healthrecord", HEALTH), ("medicalrecord", HEALTH),
    ("medicalhistory", HEALTH), ("biometric", BIOMETRICS), ("passport", PAPERS),
    ("identitycard", PAPERS), ("identitydocument", PAPERS), ("driverslicen", PAPERS),
    ("drivinglicen", PAPERS),
    ("socialsecurity", PAPERS), ("telefon", PHONE), ("phonenum", PHONE),
    ("mobilenumber", PHONE), ("dateofbirth", BIRTH), ("birthdate", BIRTH),
    ("placeofbirth", BIRTH), ("yearofbirth", BIRTH), ("asylumseek", ASYLUM),
    ("asylumstat", ASYLUM), ("refugeestat", ASYLUM), ("maidenname", PERSON),
    ("homeaddress", PERSON),
    ("emailaddress", MAILBOX), ("staatsangeh", NATIONALITY), ("geburtsdatum", BIRTH),
    ("гражданств", NATIONALITY), ("национальн", NATIONALITY), ("религи", RELIGION),
    ("вероисповед", RELIGION), ("паспорт", PAPERS), ("телефон", PHONE), ("рождени", BIRTH),
    ("国籍", NATIONALITY), ("國籍", NATIONALITY), ("民族", ETHNICITY), ("宗教", RELIGION),
    ("护照", PAPERS), ("護照", PAPERS), ("身份证", PAPERS), ("身份證", PAPERS),
    ("电话", PHONE), ("電話", PHONE), ("手机号", PHONE), ("出生", BIRTH),
    ("政治面貌", POLITICS), ("جنسية", NATIONALITY), ("ديانة", RELIGION),
];

/// Words that name people where they open or end a name. Counts of people are no records, so the
/// caller lets numbers pass.
pub(super) fn names_people(name: &str) -> bool {
    let mut list = [""; 8];
    let mut count = 0;
    for (slot, word) in list.iter_mut().zip(words(name)) {
        *slot = word;
        count += 1;
    }
    let list = strip_vendor(list.get(..count).unwrap_or(&[]));
    let people = ["person", "people", "individual", "suspect"];
    let first = list.first().filter(|_| list.len() == 1);
    [first, list.last()].into_iter().flatten().any(|word| is_one_of(word, &people))
}
