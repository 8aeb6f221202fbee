//! Revocation: what looking it up costs the verification of a token.

use std::{hint::black_box, time::Instant};

use identity::{Claims, Feed, Revocation, Revocations, Verifier};
use ids::UserId;
use service_discovery::Service;
use testing::{Issuer, Person};

use crate::{
    report::{Report, Target},
    served::verifier,
    spread::median,
};

/// How many revocations are known.
const KNOWN: [u32; 3] = [0, 10_000, 100_000];

/// The rounds of all cases alternate, so that what else the machine does falls on all.
const ROUNDS: usize = 60;

/// How many tokens are verified in a round: other ones each time, or the processor
/// would remember what it looked up.
const TOKENS: u32 = 256;

/// How long tokens last, seconds: longer than the bench.
const LIFE: i64 = 3600;

/// What a check costs at most, of a verification: a twentieth.
const TARGET: Target = Target::AtMost(0.05);

pub(crate) async fn measure(report: &mut Report) -> anyhow::Result<()> {
    report.doing("verifying tokens");
    let issuer = Issuer::start();
    let mut cases = vec![Case::unchecked(&issuer)?];
    for known in KNOWN {
        cases.push(Case::checked(&issuer, known)?);
    }
    for _ in 0..ROUNDS {
        for case in &mut cases {
            case.round().await?;
        }
    }
    let [without, checked @ ..] = &cases[..] else { return Ok(()) };
    let unchecked = without.nanos();
    report.figure("revocation: a token verified without the check", unchecked, "ns");
    for (case, known) in checked.iter().zip(KNOWN) {
        let name = format!("revocation: a token verified, {known} known");
        report.beside(name, case.nanos(), "ns", ("without", unchecked));
    }
    for (case, known) in checked.iter().zip(KNOWN) {
        let name = format!("revocation: the check alone, {known} known");
        report.compared(name, case.check_alone().await?, "ns", ("a verification", unchecked), TARGET);
    }
    Ok(())
}

/// Tokens, and who verifies them.
struct Case {
    verifier: Verifier,
    tokens: Vec<String>,
    /// Of each round, for a token.
    nanos: Vec<f64>,
}

impl Case {
    /// A service's own token cannot be revoked: it is verified without looking.
    fn unchecked(issuer: &Issuer) -> anyhow::Result<Self> {
        let own = |claims: Claims| {
            let sub = Claims::service_subject(Service::Prefs);
            // As long as a person's.
            let jti = format!("{}{}", claims.jti, "-".repeat(claims.sub.len() - sub.len()));
            Claims { sub, jti, ..claims }
        };
        Ok(Self::new(verifier(issuer, Service::Order)?, issuer, own))
    }

    /// Persons' tokens, while others' are revoked.
    fn checked(issuer: &Issuer, known: u32) -> anyhow::Result<Self> {
        let verifier = verifier(issuer, Service::Order)?;
        let revocations = (0..known).map(|_| Revocation::of_user(UserId::generate(), 1)).collect();
        verifier.revocations().take(Feed { cursor: String::new(), revocations });
        Ok(Self::new(verifier, issuer, |claims| claims))
    }

    fn new(verifier: Verifier, issuer: &Issuer, of: impl Fn(Claims) -> Claims) -> Self {
        let token = |_| {
            let claims = of(issuer.claims(Service::Order, &Person::with_scopes("things:write")));
            issuer.sign(&Claims { exp: claims.iat + LIFE, ..claims })
        };
        Self { verifier, tokens: (0..TOKENS).map(token).collect(), nanos: Vec::new() }
    }

    async fn round(&mut self) -> anyhow::Result<()> {
        let began = Instant::now();
        for token in &self.tokens {
            black_box(self.verifier.verify(token).await?);
        }
        self.nanos.push(began.elapsed().as_secs_f64() * 1e9 / f64::from(TOKENS));
        Ok(())
    }

    fn nanos(&self) -> f64 {
        median(self.nanos.clone())
    }

    /// Without the signature, which takes a thousand times as long.
    async fn check_alone(&self) -> anyhow::Result<f64> {
        let mut claims = Vec::new();
        for token in &self.tokens {
            claims.push(self.verifier.verify(token).await?);
        }
        let revocations: &Revocations = self.verifier.revocations();
        let mut nanos = Vec::new();
        for _ in 0..ROUNDS {
            let began = Instant::now();
            for claims in &claims {
                revocations.check(black_box(claims))?;
            }
            nanos.push(began.elapsed().as_secs_f64() * 1e9 / f64::from(TOKENS));
        }
        Ok(median(nanos))
    }
}
