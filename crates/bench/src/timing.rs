//! Whether the time of an answer tells that somebody has an account.

use std::time::{Duration, Instant};

use contract_auth::{Login, Registration};
use ids::UserId;
use serde_json::{Value, json};

use crate::{
    plinth::{PERSONS_PASSWORD, Plinth, forwarded, send},
    report::{Report, Target},
    servers::Servers,
};

/// So many have an account, and are asked for [`ASKED`] times each way: fewer failures
/// than lock an account.
const PEOPLE: usize = 250;
const ASKED: usize = 4;

/// 0.5 is a coin; 1 is certainty.
const TARGET: Target = Target::AtMost(0.55);

pub(crate) async fn measure(servers: &Servers, report: &mut Report) -> anyhow::Result<()> {
    report.doing("starting Plinth");
    let plinth = Plinth::start(servers).await?;
    let known: Vec<String> = (0..PEOPLE).map(|_| address()).collect();
    for email in &known {
        ask(&plinth, "register", &registration(email), 202).await?;
    }
    let ways = [
        Way { path: "login", body: login, status: 401 },
        Way { path: "register", body: registration, status: 202 },
        Way { path: "password/forgot", body: address_alone, status: 202 },
        Way { path: "magic-link", body: address_alone, status: 202 },
    ];
    for Way { path, body, status } in ways {
        report.doing(&format!(
            "{path}, {} times for those with an account, as often for others",
            PEOPLE * ASKED
        ));
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for email in known.iter().cycle().take(PEOPLE * ASKED) {
            // In either order, so that the one is not always asked for after the other.
            for of_known in if heads() { [true, false] } else { [false, true] } {
                let unknown = address();
                let email = if of_known { email } else { &unknown };
                let took = ask(&plinth, path, &body(email), status).await?;
                if of_known { with.push(took) } else { without.push(took) }
            }
        }
        let told = separation(&with, &without);
        report.compared(format!("timing: {path}, AUC"), told, "", ("certainty", 1.0), TARGET);
    }
    Ok(())
}

/// A question that must not tell.
struct Way {
    path: &'static str,
    body: fn(&str) -> Value,
    status: u16,
}

fn login(email: &str) -> Value {
    json!(Login { email: email.to_owned(), password: "not their password at all".into() })
}

fn address_alone(email: &str) -> Value {
    json!({ "email": email })
}

fn registration(email: &str) -> Value {
    json!(Registration { email: email.to_owned(), password: PERSONS_PASSWORD.into(), name: None })
}

/// Asks once, while nobody else does.
async fn ask(plinth: &Plinth, path: &str, body: &Value, status: u16) -> anyhow::Result<Duration> {
    let request = forwarded(plinth.http().post(format!("{}/api/v1/auth/{path}", plinth.url()))).json(body);
    let asked = Instant::now();
    send(request, status).await?;
    Ok(asked.elapsed())
}

fn address() -> String {
    format!("{}@example.com", UserId::generate())
}

fn heads() -> bool {
    UserId::generate().uuid().as_bytes()[15] & 1 == 1
}

/// The area under the curve of who guesses by a threshold: how likely one of `some` took
/// longer than one of `others`, or the other way round if that tells more.
fn separation(some: &[Duration], others: &[Duration]) -> f64 {
    let longer = |one: &Duration| {
        let points = others.iter().map(|other| match one.cmp(other) {
            std::cmp::Ordering::Greater => 1.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Less => 0.0,
        });
        points.sum::<f64>()
    };
    let pairs = u32::try_from(some.len() * others.len()).map_or(f64::NAN, f64::from);
    let area = some.iter().map(longer).sum::<f64>() / pairs;
    area.max(1.0 - area)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separation_is_a_coin_for_equals_and_certainty_for_strangers() {
        let times =
            |millis: &[u64]| millis.iter().map(|time| Duration::from_millis(*time)).collect::<Vec<_>>();
        assert_eq!(separation(&times(&[1, 2, 3]), &times(&[1, 2, 3])), 0.5);
        assert_eq!(separation(&times(&[4, 5]), &times(&[1, 2, 3])), 1.0);
        assert_eq!(separation(&times(&[1, 2]), &times(&[4, 5, 6])), 1.0);
        assert_eq!(separation(&times(&[1, 4]), &times(&[2, 3])), 0.5);
    }
}
