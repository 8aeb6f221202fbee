//! Calls over real sockets. A few loopback addresses stand for public hosts, by a policy that
//! allows those; all others are as private as they are.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bodies;
mod names;
mod proxied;
mod redirects;
mod server;
mod tls;

use std::{
    collections::HashMap,
    io,
    net::IpAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use egress::{Call, Egress, EgressError, Lookup, Options, Policy, Refusal};
use futures_util::future::BoxFuture;
use reqwest::Method;

/// Stands for a public host.
const PUBLIC: &str = "127.0.0.2";
/// Is one of our own.
const PRIVATE: &str = "127.0.0.1";

fn policy() -> Policy {
    let allowed = vec!["127.0.0.2/32".parse().unwrap(), "127.0.0.3/32".parse().unwrap()];
    Policy { clear_text: true, allowed, ..Policy::default() }
}

/// A resolver whose answers to a name come one after the other, the last again and again.
#[derive(Debug, Default)]
struct Names {
    answers: HashMap<&'static str, Mutex<Vec<Vec<IpAddr>>>>,
    asked: AtomicUsize,
}

impl Names {
    fn of(answers: &[(&'static str, &[&[&str]])]) -> Arc<Self> {
        let parse = |address: &&str| address.parse().unwrap();
        let all = |answers: &[&[&str]]| {
            let answers = answers.iter().rev().map(|answer| answer.iter().map(parse).collect());
            Mutex::new(answers.collect())
        };
        let answers = answers.iter().map(|(name, answers)| (*name, all(answers))).collect();
        Arc::new(Self { answers, asked: AtomicUsize::new(0) })
    }

    fn asked(&self) -> usize {
        self.asked.load(SeqCst)
    }

    fn answer(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, SeqCst);
        let answers = self.answers.get(name).ok_or(io::ErrorKind::NotFound)?;
        let mut answers = answers.lock().unwrap();
        Ok(if answers.len() > 1 { answers.pop() } else { answers.last().cloned() }.unwrap_or_default())
    }
}

impl Lookup for Names {
    fn lookup(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(std::future::ready(self.answer(&name)))
    }
}

fn egress(names: &Arc<Names>) -> Egress {
    let lookup = Arc::clone(names);
    Egress::new(Options { policy: policy(), lookup, ..Options::default() }).unwrap()
}

fn without_names() -> Egress {
    egress(&Names::of(&[]))
}

fn get(url: &str) -> Call {
    // Longer than a busy machine takes.
    Call::new(Method::GET, url.parse().unwrap()).within(Duration::from_secs(20))
}

fn is_not_public(outcome: &Result<egress::Answer, EgressError>) -> bool {
    matches!(outcome, Err(EgressError::Refused(Refusal::NotPublic)))
}
