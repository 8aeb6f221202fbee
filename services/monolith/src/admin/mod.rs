//! `plinth admin`: what an operator does by hand, on auth's database itself.

use std::io::Read;

use anyhow::Context;
use auth::admin::{self, ROLES};
use aws_lc_rs::rand;
use data_encoding::BASE64URL_NOPAD;
use diesel_async::AsyncPgConnection;
use secrecy::ExposeSecret;
use service_discovery::Service;
use service_kit::db::Connector;

use crate::databases::Where;
use crate::say;

/// Makes accounts and gives roles, on auth's database itself.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    location: Where,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Make an account with a verified address and a role.
    Create {
        /// The address to log in with.
        #[arg(long)]
        email: String,
        /// What it may do, beside what every user may.
        #[arg(long, default_value = "ADMIN", value_parser = ROLES)]
        role: String,
        /// Read the password from standard input; without this, one is made and shown once.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Say that an address is its account's own, as a link in a mail would.
    Verify {
        /// The address of the account.
        #[arg(long)]
        email: String,
    },
    /// Shut an account out: its sessions end, its keys and tokens open nothing.
    Ban {
        /// The address of the account.
        #[arg(long)]
        email: String,
        /// Why, for others who administer.
        #[arg(long)]
        reason: String,
    },
    /// Let a banned account in again.
    Unban {
        /// The address of the account.
        #[arg(long)]
        email: String,
    },
    /// Give an account a role; its next token holds it.
    Grant {
        /// The address of the account.
        #[arg(long)]
        email: String,
        /// The role.
        #[arg(long, value_parser = ROLES)]
        role: String,
    },
}

/// Does it.
pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let mut connection = connect(&options.location).await?;
    match options.verb {
        Verb::Create { email, role, password_stdin } => {
            let given = if password_stdin { Some(typed()?) } else { None };
            let password = given.clone().map_or_else(made_up, Ok)?;
            let user = admin::create(&mut connection, &email, &password, &[&role]).await?;
            say(&format!("{email} is {user}, with the role {role}"))?;
            match given {
                Some(_) => Ok(()),
                None => say(&format!("password (shown this once): {password}")),
            }
        }
        Verb::Verify { email } => {
            admin::verify(&mut connection, &email).await?;
            say(&format!("{email} is verified; the next login or refresh brings all rights of its roles"))
        }
        Verb::Ban { email, reason } => {
            admin::ban(&mut connection, &email, &reason).await?;
            say(&format!("{email} is banned; its tokens open nothing within a second"))
        }
        Verb::Unban { email } => {
            admin::unban(&mut connection, &email).await?;
            say(&format!("{email} is not banned; it logs in anew"))
        }
        Verb::Grant { email, role } => {
            let verified = admin::grant(&mut connection, &email, &role).await?;
            say(&format!("{email} has the role {role}; the next login or refresh brings its rights"))?;
            if verified {
                Ok(())
            } else {
                say("its address is not verified: until `plinth admin verify`, sensitive rights wait")
            }
        }
    }
}

async fn connect(location: &Where) -> anyhow::Result<AsyncPgConnection> {
    let auth = location.databases(Some(Service::Auth), None)?.services.pop();
    let settings = auth.context("auth's database is not known")?.settings;
    let connector = Connector::new(settings.url.expose_secret(), settings.ca_file.as_deref())?;
    connector.connect().await.context("can't reach auth's database")
}

/// The first line of standard input.
fn typed() -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin().take(8192).read_to_string(&mut text).context("can't read the password")?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// 144 random bits in letters.
fn made_up() -> anyhow::Result<String> {
    let mut bytes = [0; 18];
    rand::fill(&mut bytes).ok().context("there is no randomness")?;
    Ok(BASE64URL_NOPAD.encode(&bytes))
}
