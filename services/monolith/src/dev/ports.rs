//! Which port is whose, and who has it already.

use std::collections::BTreeMap;

use anyhow::Context;
use local_servers::port;
use service_discovery::Service;

/// The defaults of the two servers; those of the services are [`Service::port`].
const POSTGRES: u16 = 5480;
const REDIS: u16 = 6480;

/// The ports of one run, all on 127.0.0.1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ports {
    pub(crate) postgres: u16,
    pub(crate) redis: u16,
    services: BTreeMap<Service, Pair>,
}

/// A service's listeners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pair {
    public: u16,
    internal: u16,
}

impl Ports {
    /// The defaults, all moved by as much as the gateway is; 0 is for any that are free.
    pub(crate) fn plan(gateway: u16) -> anyhow::Result<Self> {
        if gateway == 0 { Self::chosen() } else { Self::moved(gateway) }
    }

    fn moved(gateway: u16) -> anyhow::Result<Self> {
        let by = i32::from(gateway) - i32::from(Service::Gateway.port());
        let moved = |port: u16| {
            u16::try_from(i32::from(port) + by)
                .ok()
                .filter(|port| *port > 0)
                .with_context(|| format!("with --port {gateway} another port ({port}{by:+}) would not exist"))
        };
        let pair = |service: Service| {
            Ok((service, Pair { public: moved(service.port())?, internal: moved(service.internal_port())? }))
        };
        Ok(Self {
            postgres: moved(POSTGRES)?,
            redis: moved(REDIS)?,
            services: known().map(pair).collect::<anyhow::Result<_>>()?,
        })
    }

    fn chosen() -> anyhow::Result<Self> {
        let pair = |service: Service| Ok((service, Pair { public: port::free()?, internal: port::free()? }));
        Ok(Self {
            postgres: port::free()?,
            redis: port::free()?,
            services: known().map(pair).collect::<anyhow::Result<_>>()?,
        })
    }

    pub(crate) fn public(&self, service: Service) -> u16 {
        self.services.get(&service).map_or(0, |pair| pair.public)
    }

    pub(crate) fn internal(&self, service: Service) -> u16 {
        self.services.get(&service).map_or(0, |pair| pair.internal)
    }

    /// Where clients find a service.
    pub(crate) fn url(&self, service: Service) -> String {
        format!("http://127.0.0.1:{}", self.public(service))
    }

    /// Where other services find a service.
    pub(crate) fn internal_url(&self, service: Service) -> String {
        format!("http://127.0.0.1:{}", self.internal(service))
    }

    /// Refuses if somebody has a port that these services need; names each with its owner.
    pub(crate) fn check_free(&self, services: &[Service]) -> anyhow::Result<()> {
        let mut needed = vec![self.postgres, self.redis];
        needed.extend(services.iter().flat_map(|service| [self.public(*service), self.internal(*service)]));
        let taken: Vec<String> = needed
            .into_iter()
            .filter(|port| port::is_taken(*port))
            .map(|port| format!("port {port} is in use by {}", owner(port)))
            .collect();
        if taken.is_empty() {
            return Ok(());
        }
        anyhow::bail!("{}; stop it or choose another with --port", taken.join("\n        "))
    }
}

/// The services that can run or are stood in for, and so the ones that the others must find.
pub(crate) fn known() -> impl Iterator<Item = Service> {
    Service::SHIPPED.into_iter().chain([Service::Notify, Service::Gateway])
}

fn owner(port: u16) -> String {
    match listeners::get_process_by_port(port, listeners::Protocol::TCP) {
        Ok(process) => format!("{} (pid {})", process.name, process.pid),
        // Only root may look into the processes of other users.
        Err(_unseen) => "a process of another user".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn all_move_together() {
        let ports = Ports::plan(8180).unwrap();
        assert_eq!((ports.public(Service::Gateway), ports.internal(Service::Gateway)), (8180, 9180));
        assert_eq!((ports.public(Service::Auth), ports.internal(Service::Auth)), (3101, 4101));
        assert_eq!((ports.postgres, ports.redis), (5580, 6580));
    }

    #[test]
    fn a_port_beyond_the_end_is_refused() {
        assert!(Ports::plan(65_000).unwrap_err().to_string().contains("--port 65000"));
        Ports::plan(5000).unwrap_err();
    }

    #[test]
    fn free_ones_differ() {
        let ports = Ports::plan(0).unwrap();
        let mut all = vec![ports.postgres, ports.redis];
        all.extend(known().flat_map(|service| [ports.public(service), ports.internal(service)]));
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 12);
    }

    #[test]
    fn every_owner_is_named() {
        let ports = Ports::plan(0).unwrap();
        let redis = TcpListener::bind(("127.0.0.1", ports.redis)).unwrap();
        let auth = TcpListener::bind(("127.0.0.1", ports.internal(Service::Auth))).unwrap();
        let refusal = ports.check_free(&[Service::Auth]).unwrap_err().to_string();
        let me = format!("pid {}", std::process::id());
        assert_eq!(refusal.matches(&me).count(), 2, "{refusal}");
        drop((redis, auth));
        ports.check_free(&[Service::Auth]).unwrap();
    }
}
