//! Tokens to a tree, by recursive descent; one function a line of the grammar.

use super::lexer::{Kind, Lexer, Token, is_keyword};
use super::{
    Comparison, Fault, Literal, Observation, Operator, Pattern, PatternError, Qualifier, Step,
    Test, literal,
};
use crate::limits::PATTERN_DEPTH_MAX;

pub(super) struct Parser<'p> {
    lexer: Lexer<'p>,
    next: Token<'p>,
    depth: usize,
}

type Parsed<T> = Result<T, PatternError>;

impl<'p> Parser<'p> {
    pub(super) fn new(text: &'p str) -> Parsed<Parser<'p>> {
        let mut lexer = Lexer::new(text);
        let next = lexer.next()?;
        Ok(Parser { lexer, next, depth: 0 })
    }

    pub(super) fn pattern(mut self) -> Parsed<Pattern> {
        let root = self.followed_by()?;
        match self.next.kind {
            Kind::End => Ok(Pattern { root }),
            _ => self.expected("the end, or AND, OR, FOLLOWEDBY or a qualifier"),
        }
    }

    fn followed_by(&mut self) -> Parsed<Observation> {
        self.chain("FOLLOWEDBY", Self::either, Observation::FollowedBy)
    }

    fn either(&mut self) -> Parsed<Observation> {
        self.chain("OR", Self::both, Observation::Or)
    }

    fn both(&mut self) -> Parsed<Observation> {
        self.chain("AND", Self::qualified, Observation::And)
    }

    fn qualified(&mut self) -> Parsed<Observation> {
        let parenthesised = matches!(self.next.kind, Kind::Sign("("));
        let mut observation = self.observation()?;
        let mut qualifiers: Vec<Qualifier> = Vec::new();
        let mut nested = 0;
        loop {
            let at = self.next.at;
            let Some(qualifier) = self.qualifier()? else {
                break;
            };
            let kind = std::mem::discriminant(&qualifier);
            if qualifiers.iter().any(|other| std::mem::discriminant(other) == kind) {
                // Behind parentheses the published validator takes a second one: it is then the
                // qualifier of the qualified expression.
                if !parenthesised {
                    return fail(at, Fault::QualifierTwice);
                }
                let inner = std::mem::take(&mut qualifiers);
                observation = Observation::Qualified(Box::new(observation), inner);
                nested += 1;
                if nested > PATTERN_DEPTH_MAX {
                    return fail(at, Fault::TooDeep);
                }
            }
            qualifiers.push(qualifier);
        }
        if qualifiers.is_empty() {
            return Ok(observation);
        }
        Ok(Observation::Qualified(Box::new(observation), qualifiers))
    }

    fn observation(&mut self) -> Parsed<Observation> {
        if self.takes_sign("[")? {
            let test = self.any_test()?;
            self.sign("]")?;
            return Ok(Observation::Test(test));
        }
        if self.takes_sign("(")? {
            return self.nested(Self::followed_by);
        }
        self.expected("`[` or `(`")
    }

    fn qualifier(&mut self) -> Parsed<Option<Qualifier>> {
        if self.takes_word("WITHIN")? {
            let at = self.next.at;
            let seconds = match self.literal()? {
                Literal::Integer(seconds) if seconds > 0 => seconds_of(seconds),
                Literal::Float(seconds) if seconds > 0.0 => seconds,
                _ => return fail(at, Fault::Expected("a positive number")),
            };
            self.word("SECONDS")?;
            return Ok(Some(Qualifier::Within(seconds)));
        }
        if self.takes_word("REPEATS")? {
            let at = self.next.at;
            let times = match self.literal()? {
                Literal::Integer(times) if times > 0 => times.unsigned_abs(),
                _ => return fail(at, Fault::Expected("a positive integer")),
            };
            self.word("TIMES")?;
            return Ok(Some(Qualifier::Repeats(times)));
        }
        if self.takes_word("START")? {
            let start = self.timestamp()?;
            self.word("STOP")?;
            return Ok(Some(Qualifier::StartStop(start, self.timestamp()?)));
        }
        Ok(None)
    }

    fn any_test(&mut self) -> Parsed<Test> {
        self.chain("OR", Self::all_tests, Test::Or)
    }

    fn all_tests(&mut self) -> Parsed<Test> {
        self.chain("AND", Self::test, Test::And)
    }

    fn test(&mut self) -> Parsed<Test> {
        if self.takes_sign("(")? {
            return self.nested(Self::any_test);
        }
        let at = self.next.at;
        let before = self.takes_word("NOT")?;
        if self.takes_word("EXISTS")? {
            let (object_type, path) = self.object_path()?;
            return Ok(Test::Comparison(Comparison {
                object_type,
                path,
                negated: before,
                operator: Operator::Exists,
                values: Vec::new(),
            }));
        }
        if before {
            return self.expected("EXISTS");
        }
        let (object_type, path) = self.object_path()?;
        let negated = self.takes_word("NOT")?;
        let operator = self.operator()?;
        let values = self.values(operator)?;
        let comparison = Comparison { object_type, path, negated, operator, values };
        if !literal::hashes_fit(&comparison) {
            return fail(at, Fault::Hash);
        }
        Ok(Test::Comparison(comparison))
    }

    fn object_path(&mut self) -> Parsed<(String, Vec<Step>)> {
        let object_type = match &self.next.kind {
            Kind::Word(word) if !is_keyword(word) => (*word).to_owned(),
            _ => return self.expected("an object type"),
        };
        self.advance()?;
        self.sign(":")?;
        let mut path = vec![self.property()?];
        loop {
            if self.takes_sign(".")? {
                path.push(self.property()?);
            } else if self.takes_sign("[")? {
                path.push(self.index()?);
                self.sign("]")?;
            } else {
                return Ok((object_type, path));
            }
        }
    }

    fn property(&mut self) -> Parsed<Step> {
        let name = match &self.next.kind {
            Kind::Word(word) if !is_keyword(word) && !word.contains('-') => (*word).to_owned(),
            Kind::Literal(Literal::Text(name)) if !name.is_empty() => name.clone(),
            _ => return self.expected("the name of a property (in quotes where it has hyphens)"),
        };
        self.advance()?;
        Ok(Step::Property(name))
    }

    fn index(&mut self) -> Parsed<Step> {
        if self.takes_sign("*")? {
            return Ok(Step::AnyIndex);
        }
        let at = self.next.at;
        match self.literal()? {
            Literal::Integer(index) if index >= 0 => Ok(Step::Index(index.unsigned_abs())),
            _ => fail(at, Fault::Expected("`*` or a position in a list")),
        }
    }

    fn operator(&mut self) -> Parsed<Operator> {
        let operator = match self.next.kind {
            Kind::Sign("=" | "==") => Operator::Equal,
            Kind::Sign("!=" | "<>") => Operator::NotEqual,
            Kind::Sign(">") => Operator::Greater,
            Kind::Sign("<") => Operator::Less,
            Kind::Sign(">=") => Operator::GreaterOrEqual,
            Kind::Sign("<=") => Operator::LessOrEqual,
            Kind::Word("IN") => Operator::In,
            Kind::Word("LIKE") => Operator::Like,
            Kind::Word("MATCHES") => Operator::Matches,
            Kind::Word("ISSUBSET") => Operator::IsSubset,
            Kind::Word("ISSUPERSET") => Operator::IsSuperset,
            _ => return self.expected("an operator"),
        };
        self.advance()?;
        Ok(operator)
    }

    fn values(&mut self, operator: Operator) -> Parsed<Vec<Literal>> {
        let at = self.next.at;
        if operator == Operator::In {
            self.sign("(")?;
            let mut values = vec![self.literal()?];
            while self.takes_sign(",")? {
                values.push(self.literal()?);
            }
            self.sign(")")?;
            if !literal::same_type(&values) {
                return fail(at, Fault::MixedSet);
            }
            return Ok(values);
        }
        let value = self.literal()?;
        match (operator, &value) {
            (Operator::Equal | Operator::NotEqual, _) | (_, Literal::Text(_)) => {}
            (Operator::Like | Operator::Matches | Operator::IsSubset | Operator::IsSuperset, _) => {
                return fail(at, Fault::Expected("a string"));
            }
            (_, Literal::Bool(_)) => return fail(at, Fault::Expected("a value that has an order")),
            _ => {}
        }
        Ok(vec![value])
    }

    fn literal(&mut self) -> Parsed<Literal> {
        let literal = match &self.next.kind {
            Kind::Literal(literal) => literal.clone(),
            Kind::Word("true") => Literal::Bool(true),
            Kind::Word("false") => Literal::Bool(false),
            _ => return self.expected("a literal"),
        };
        self.advance()?;
        Ok(literal)
    }

    fn timestamp(&mut self) -> Parsed<String> {
        let at = self.next.at;
        match self.literal()? {
            Literal::Timestamp(text) => Ok(text),
            _ => fail(at, Fault::Expected("a timestamp")),
        }
    }

    /// `item`s joined by a keyword: the item itself where there is only one.
    fn chain<T>(
        &mut self,
        keyword: &str,
        item: fn(&mut Self) -> Parsed<T>,
        join: fn(Vec<T>) -> T,
    ) -> Parsed<T> {
        let first = item(self)?;
        if !self.is_word(keyword) {
            return Ok(first);
        }
        let mut items = vec![first];
        while self.takes_word(keyword)? {
            items.push(item(self)?);
        }
        Ok(join(items))
    }

    /// What stands in a pair of parentheses; the first of them is read.
    fn nested<T>(&mut self, inner: fn(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.depth += 1;
        if self.depth > PATTERN_DEPTH_MAX {
            return fail(self.next.at, Fault::TooDeep);
        }
        let value = inner(self)?;
        self.sign(")")?;
        self.depth -= 1;
        Ok(value)
    }

    fn advance(&mut self) -> Parsed<()> {
        self.next = self.lexer.next()?;
        Ok(())
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.next.kind, Kind::Word(next) if next == word)
    }

    fn takes_word(&mut self, word: &str) -> Parsed<bool> {
        let stands = self.is_word(word);
        if stands {
            self.advance()?;
        }
        Ok(stands)
    }

    fn word(&mut self, word: &'static str) -> Parsed<()> {
        if self.takes_word(word)? {
            return Ok(());
        }
        self.expected(word)
    }

    fn takes_sign(&mut self, sign: &str) -> Parsed<bool> {
        let stands = matches!(self.next.kind, Kind::Sign(next) if next == sign);
        if stands {
            self.advance()?;
        }
        Ok(stands)
    }

    fn sign(&mut self, sign: &'static str) -> Parsed<()> {
        if self.takes_sign(sign)? {
            return Ok(());
        }
        self.expected(sign)
    }

    fn expected<T>(&self, what: &'static str) -> Parsed<T> {
        match self.next.kind {
            Kind::End => fail(self.next.at, Fault::End),
            _ => fail(self.next.at, Fault::Expected(what)),
        }
    }
}

fn fail<T>(offset: usize, fault: Fault) -> Parsed<T> {
    Err(PatternError { offset, fault })
}

/// Whole seconds to a float; literals are within ±(2^53 − 1), so that this is exact.
#[allow(
    clippy::cast_precision_loss,
    reason = "integers of a pattern are within the exact range of a double"
)]
fn seconds_of(seconds: i64) -> f64 {
    seconds as f64
}
