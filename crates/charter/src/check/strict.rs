//! Which of two decision rules is harder to meet. Most pairs can not be compared, and then
//! neither is known to be easier.

use crate::model::{Absence, Abstention, Adoption, DecisionRule, Quorum, Reach};

/// Whether whatever meets `b` meets `a` as well, part by part, in the same electorate.
pub(crate) fn not_harder(a: &DecisionRule, b: &DecisionRule) -> bool {
    adoption(&a.adoption, &b.adoption)
        && quorum(a.quorum.as_ref(), b.quorum.as_ref())
        && weight(&a.abstention) <= weight(&b.abstention)
        && delay(&a.absence) <= delay(&b.absence)
}

fn adoption(a: &Adoption, b: &Adoption) -> bool {
    use crate::model::Base::All;
    use Adoption::{Consensus, Count, Double, Fraction, ReverseConsensus, Unanimity};
    match (a, b) {
        (ReverseConsensus, _) | (Consensus, Consensus | Unanimity) | (Unanimity, Unanimity) => true,
        // All of the electorate are not all parties.
        (Fraction { of, .. } | Double { of, .. }, Unanimity) => *of != All,
        (Count { n }, Count { n: other }) => n <= other,
        (
            Fraction { num, den, of },
            Fraction { num: n, den: d, of: base } | Double { num: n, den: d, of: base, .. },
        ) => at_most([*num, *den], [*n, *d]) && of <= base,
        (
            Double { num, den, of, weight_num, weight_den, min_blockers },
            Double { num: n, den: d, of: base, weight_num: wn, weight_den: wd, min_blockers: min },
        ) => {
            at_most([*num, *den], [*n, *d])
                && of <= base
                && at_most([*weight_num, *weight_den], [*wn, *wd])
                && min_blockers >= min
        }
        _ => false,
    }
}

fn quorum(a: Option<&Quorum>, b: Option<&Quorum>) -> bool {
    match (a, b) {
        (None, _) => true,
        (Some(a), Some(b)) => match (a.reach, b.reach) {
            (Reach::Count { n }, Reach::Count { n: other }) => n <= other,
            (Reach::Fraction { num, den }, Reach::Fraction { num: n, den: d }) => {
                at_most([num, den], [n, d])
            }
            _ => false,
        },
        (Some(_), None) => false,
    }
}

fn weight(abstention: &Abstention) -> u8 {
    match abstention {
        Abstention::NotBlocking => 0,
        Abstention::Neutral => 1,
        Abstention::Constructive { .. } => 2,
        Abstention::CountsAgainst => 3,
    }
}

fn delay(absence: &Absence) -> u32 {
    match absence {
        Absence::Consent => 0,
        Absence::Neutral => 1,
        Absence::ObjectWindow { hours } => hours.saturating_add(1),
    }
}

/// Whether one fraction is no larger than another.
pub(crate) fn at_most(a: [u32; 2], b: [u32; 2]) -> bool {
    u64::from(a[0]) * u64::from(b[1]) <= u64::from(b[0]) * u64::from(a[1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Base;

    #[test]
    fn only_what_is_easier_for_certain_is_easier() {
        let half = |of| Adoption::Fraction { num: 1, den: 2, of };
        let thirds = |of| Adoption::Fraction { num: 2, den: 3, of };
        let yes = [
            (Adoption::ReverseConsensus, Adoption::Count { n: 1 }),
            (half(Base::Present), thirds(Base::Present)),
            (thirds(Base::PresentVoting), thirds(Base::All)),
            (Adoption::Consensus, Adoption::Unanimity),
            (thirds(Base::Eligible), Adoption::Unanimity),
            (Adoption::Fraction { num: 4, den: 6, of: Base::All }, thirds(Base::All)),
        ];
        let no = [
            (thirds(Base::Present), half(Base::Present)),
            (half(Base::All), half(Base::Present)),
            (Adoption::Unanimity, Adoption::Consensus),
            // Nobody says anything: consensus carries, a fraction does not.
            (half(Base::Present), Adoption::Consensus),
            (Adoption::Count { n: 3 }, Adoption::Unanimity),
            (thirds(Base::All), Adoption::Unanimity),
        ];
        for (a, b) in yes {
            assert!(adoption(&a, &b), "{a:?} {b:?}");
        }
        for (a, b) in no {
            assert!(!adoption(&a, &b), "{a:?} {b:?}");
        }
    }
}
