//! What can be asked of `plinth dev`.

use std::path::PathBuf;
use std::str::FromStr;

use service_discovery::Service;

/// Starts everything on this machine: a private PostgreSQL and Redis, the migrations, all services.
#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub(crate) struct Options {
    /// Throw away all data first.
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Only these services, for instance `auth,prefs`; without a name only PostgreSQL and Redis.
    #[arg(long, value_name = "SERVICES", num_args = 0.., value_delimiter = ',', value_parser = runnable)]
    pub(crate) only: Option<Vec<Service>>,
    /// The gateway's port. All other ports move with it; 0 takes any that are free.
    #[arg(long, value_name = "N", default_value_t = Service::Gateway.port())]
    pub(crate) port: u16,
    /// Build and run the services as for production.
    #[arg(long)]
    pub(crate) release: bool,
    /// Where data, logs and secrets are kept.
    #[arg(long, value_name = "DIR", env = "PLINTH_STATE_DIR")]
    pub(crate) state_dir: Option<PathBuf>,
    /// Be as strict as in production with wrong passwords and many requests from one address. By
    /// default it is not, since everybody here has the same one.
    #[arg(long)]
    pub(crate) strict_limits: bool,
    /// How many days an account can be restored whose user wants it gone; 0: it goes at once.
    /// By default as in production, where nothing else is set.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u8).range(0..=90))]
    pub(crate) deletion_grace_days: Option<u8>,
    /// Run the services that lie beside this program, instead of building them.
    #[arg(long)]
    pub(crate) no_build: bool,
}

impl Options {
    /// The services to run, in the order of their start.
    pub(crate) fn services(&self) -> Vec<Service> {
        let mut all: Vec<Service> = Service::SHIPPED.to_vec();
        all.push(Service::Gateway);
        if let Some(only) = &self.only {
            all.retain(|service| only.contains(service));
        }
        all
    }
}

fn runnable(name: &str) -> Result<Service, String> {
    let shipped = |service: &Service| *service == Service::Gateway || Service::SHIPPED.contains(service);
    let found = Service::from_str(name).ok().filter(shipped);
    found.ok_or_else(|| {
        let names: Vec<&str> =
            Service::ALL.iter().filter(|service| shipped(service)).map(|s| s.name()).collect();
        format!("there are {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn services(line: &[&str]) -> Vec<Service> {
        let line = ["dev"].iter().chain(line).copied();
        Line::try_parse_from(line).unwrap().options.services()
    }

    #[test]
    fn the_gateway_comes_last() {
        assert_eq!(services(&[]), [Service::Auth, Service::Prefs, Service::Webhook, Service::Gateway]);
        assert_eq!(services(&["--only", "gateway,auth"]), [Service::Auth, Service::Gateway]);
        assert_eq!(services(&["--only"]), []);
    }

    #[test]
    fn an_unknown_service_is_refused() {
        Line::try_parse_from(["dev", "--only", "nobody"]).unwrap_err();
        Line::try_parse_from(["dev", "--only", "workspace"]).unwrap_err();
    }
}
