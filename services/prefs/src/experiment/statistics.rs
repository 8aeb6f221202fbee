//! How likely a difference is by chance.

/// A count as a number with a fraction.
#[expect(clippy::as_conversions, reason = "counts are far below 2^53")]
pub(super) const fn real(count: i64) -> f64 {
    count as f64
}

/// The two-sided p-value of a z-test of two proportions with a common variance, each
/// `(how many did it, of how many)`. `None` where nothing can be said.
pub(super) fn two_proportions_p_value(one: (i64, i64), other: (i64, i64)) -> Option<f64> {
    let (x1, n1, x2, n2) = (real(one.0), real(one.1), real(other.0), real(other.1));
    if n1 <= 0.0 || n2 <= 0.0 {
        return None;
    }
    let together = (x1 + x2) / (n1 + n2);
    let variance = together * (1.0 - together) * (1.0 / n1 + 1.0 / n2);
    let z = (x1 / n1 - x2 / n2) / variance.sqrt();
    // erfc(|z| / √2) = Q(1/2, z² / 2)
    z.is_finite().then(|| upper_gamma(0.5, z * z / 2.0))
}

/// The p-value of a chi-squared test of counts against the shares that were planned, each
/// `(count, share)`. `None` where nothing can be said.
pub(super) fn chi_squared_p_value(seen: &[(i64, f64)]) -> Option<f64> {
    let planned: Vec<_> = seen.iter().filter(|(_, share)| *share > 0.0).collect();
    let all: f64 = planned.iter().map(|(count, _)| real(*count)).sum();
    if all <= 0.0 || planned.len() < 2 {
        return None;
    }
    let far = |(count, share): &&(i64, f64)| (real(*count) - all * share).powi(2) / (all * share);
    let freedom = real(i64::try_from(planned.len() - 1).ok()?);
    Some(upper_gamma(freedom / 2.0, planned.iter().map(far).sum::<f64>() / 2.0))
}

/// How many terms are summed at most; tens are enough for what is asked here.
const TERMS: i32 = 1_000;

/// Q(a, x), the regularised upper incomplete gamma function (DLMF 8.2.4): by its series
/// (8.11.4) below `a + 1`, by its continued fraction (8.9.2) from there.
fn upper_gamma(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    let front = (a * x.ln() - x - ln_gamma(a)).exp();
    if x < a + 1.0 {
        let (mut term, mut sum) = (1.0 / a, 1.0 / a);
        for n in 1..TERMS {
            term *= x / (a + f64::from(n));
            sum += term;
            if term < sum * f64::EPSILON {
                break;
            }
        }
        return (1.0 - front * sum).clamp(0.0, 1.0);
    }
    // Lentz's method.
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (1.0 / f64::MIN_POSITIVE, 1.0 / b);
    let mut fraction = d;
    for n in 1..TERMS {
        let n = f64::from(n);
        let numerator = -n * (n - a);
        b += 2.0;
        d = 1.0 / (numerator * d + b);
        c = b + numerator / c;
        fraction *= d * c;
        if (d * c - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    (front * fraction).clamp(0.0, 1.0)
}

/// ln Γ(x) of a multiple of 1/2, by Γ(x + 1) = x Γ(x).
fn ln_gamma(x: f64) -> f64 {
    let is_whole = x.fract() == 0.0;
    let (mut from, mut sum) = if is_whole { (1.0, 0.0) } else { (0.5, std::f64::consts::PI.sqrt().ln()) };
    while from < x {
        sum += from.ln();
        from += 1.0;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: Option<f64>, wanted: f64) {
        let found = found.unwrap();
        assert!((found - wanted).abs() < 1e-4, "{found} {wanted}");
    }

    #[test]
    fn p_values_are_those_of_the_tables() {
        // z = 1.959964, 2.575829 and 0.
        close(Some(upper_gamma(0.5, 1.959_964_f64.powi(2) / 2.0)), 0.05);
        close(Some(upper_gamma(0.5, 2.575_829_f64.powi(2) / 2.0)), 0.01);
        close(two_proportions_p_value((50, 100), (50, 100)), 1.0);
        // Chi-squared: 3.841 with 1 degree of freedom, 5.991 with 2, 18.307 with 10.
        close(Some(upper_gamma(0.5, 3.841_459 / 2.0)), 0.05);
        close(Some(upper_gamma(1.0, 5.991_465 / 2.0)), 0.05);
        close(Some(upper_gamma(5.0, 18.307_038 / 2.0)), 0.05);
        close(chi_squared_p_value(&[(45, 0.5), (55, 0.5)]), 0.317_311);
        assert!(chi_squared_p_value(&[(6_000, 0.5), (4_000, 0.5)]).unwrap() < 1e-9);
    }

    #[test]
    fn where_nothing_can_be_said_nothing_is() {
        assert_eq!(two_proportions_p_value((0, 0), (1, 2)), None);
        assert_eq!(two_proportions_p_value((0, 10), (0, 10)), None);
        assert_eq!(two_proportions_p_value((10, 10), (10, 10)), None);
        assert_eq!(chi_squared_p_value(&[(0, 0.5), (0, 0.5)]), None);
        assert_eq!(chi_squared_p_value(&[(5, 1.0), (0, 0.0)]), None);
    }
}
