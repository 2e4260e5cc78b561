//! What kinds of values and rules the tables of types are made of.

/// A type of object.
#[derive(Debug)]
pub struct Schema {
    /// Its name, the `type` of its objects.
    pub name: &'static str,
    /// Which common properties it has.
    pub family: Family,
    /// Its own properties and rules.
    pub shape: Shape,
}

/// The families of types, by the common properties they share (S015).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Domain object.
    Domain,
    /// Relationship or sighting.
    Relationship,
    /// Cyber-observable.
    Observable,
    /// `language-content` and `extension-definition`.
    Meta,
    /// `marking-definition`, which has no versions.
    Marking,
}

/// The members of an object or of a part of one.
#[derive(Debug)]
pub struct Shape {
    /// What may or must stand in it. Other members are custom.
    pub properties: &'static [Property],
    /// What must hold between them.
    pub rules: &'static [Rule],
}

/// One property.
#[derive(Debug)]
pub struct Property {
    /// Its name.
    pub name: &'static str,
    /// What its value is.
    pub kind: Kind,
    /// Whether it must stand.
    pub required: bool,
    /// Whether the standard asks producers to write something else nowadays (S028).
    pub deprecated: bool,
}

/// What a value is.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Any string, an empty one too.
    Text,
    /// A whole number within bounds.
    Integer(i64, i64),
    /// A number within bounds.
    Float(f64, f64),
    /// `true` or `false`
    Bool,
    /// A timestamp.
    Timestamp,
    /// An identifier whose type the table restricts.
    Ref(Target),
    /// One or more of a kind.
    List(&'static Kind),
    /// Keys of S006 and values of a kind.
    Dictionary(&'static Kind),
    /// Names of hash algorithms and hashes.
    Hashes,
    /// One of a closed list.
    Enum(&'static [&'static str]),
    /// A word of an open vocabulary: any string, by habit in lower case with hyphens (S011).
    Vocabulary,
    /// A part with members of its own.
    Part(&'static Shape),
    /// A string of a form.
    Form(Form),
    /// A cyber-observable inside observed-data, of the deprecated way: its references are keys
    /// of the dictionary around it.
    Observed,
    /// `extensions`, judged apart.
    Extensions,
    /// `granular_markings`, judged apart once their shape is right.
    Granular,
    /// Anything but null.
    Any,
}

/// The forms that strings have. [`crate::stix::form`] tells whether a text keeps to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Pairs of hexadecimal digits.
    Hex,
    /// Base64 with padding.
    Base64,
    /// A language tag (RFC 5646).
    Language,
    /// A media type.
    Mime,
    /// A URL or other URI with its scheme.
    Url,
    /// A CPE 2.3 formatted string.
    Cpe,
    /// An IPv4 address or block.
    Ipv4,
    /// An IPv6 address or block.
    Ipv6,
    /// A MAC-48 address.
    Mac,
    /// A mailbox without a display name.
    Email,
    /// A character set; whether it is registered is a flag only.
    Charset,
    /// A registry key with its hive written out.
    RegistryKey,
    /// `a-z 0-9 -`
    RelationshipType,
    /// A text that is not empty.
    NotEmpty,
}

/// Which types a reference may name (S022, S023). Custom types pass wherever a family does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Anything but a bundle.
    Any,
    /// An identity. A custom type passes and is flagged: the published validator lets it pass.
    Creator,
    /// One of these.
    Types(&'static [&'static str]),
    /// A cyber-observable.
    Observable,
    /// A cyber-observable or a relationship.
    ObservableOrRelationship,
    /// A domain object.
    Domain,
    /// What a relationship may join: domain objects and cyber-observables.
    End,
}

/// What must hold between the members of an object.
#[derive(Debug)]
pub enum Rule {
    /// At least one of these stands.
    AnyOf(&'static [&'static str]),
    /// At least one of all the properties of the shape stands.
    AnyProperty,
    /// Not both stand.
    NotBoth(&'static str, &'static str),
    /// Where the first stands, the second does.
    Needs(&'static str, &'static str),
    /// Where the first is this truth value, the second stands.
    NeedsWhen(&'static str, bool, &'static str),
    /// Where the first is this truth value, the second does not stand.
    NotWhen(&'static str, bool, &'static str),
    /// The first is not later than the second.
    NotLater(&'static str, &'static str),
    /// The first is earlier than the second.
    Earlier(&'static str, &'static str),
}

/// A property that must stand.
pub(crate) const fn must(name: &'static str, kind: Kind) -> Property {
    Property { name, kind, required: true, deprecated: false }
}

/// A property that may stand.
pub(crate) const fn may(name: &'static str, kind: Kind) -> Property {
    Property { name, kind, required: false, deprecated: false }
}

/// A property that may stand and should not any more.
pub(crate) const fn was(name: &'static str, kind: Kind) -> Property {
    Property { name, kind, required: false, deprecated: true }
}

impl Shape {
    /// The property of a name. Tables have at most some thirty rows: a walk beats a map.
    pub fn property(&self, name: &str) -> Option<&'static Property> {
        self.properties.iter().find(|property| property.name == name)
    }
}

// Kinds that many tables use.

/// The bounds of an integer in I-JSON (S005).
pub const INTEGER_MAX: i64 = (1 << 53) - 1;
pub(crate) const INTEGER: Kind = Kind::Integer(-INTEGER_MAX, INTEGER_MAX);
pub(crate) const COUNT: Kind = Kind::Integer(0, INTEGER_MAX);
pub(crate) const TEXTS: Kind = Kind::List(&Kind::Text);
pub(crate) const WORDS: Kind = Kind::List(&Kind::Vocabulary);
pub(crate) const HEX: Kind = Kind::Form(Form::Hex);

/// One reference to one of these types.
pub(crate) const fn one(types: &'static [&'static str]) -> Kind {
    Kind::Ref(Target::Types(types))
}
