use service_discovery::Service;

/// Where a path leads: the longest prefix that fits, of the services behind the gateway.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    /// The longest first.
    routes: Vec<Route>,
}

/// A prefix and its service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    /// The prefix, without a slash at its end; also the route's name in metrics.
    pub(crate) prefix: &'static str,
    /// Who answers.
    pub(crate) service: Service,
}

impl Table {
    /// The paths of these services.
    pub(crate) fn new(services: &[Service]) -> Self {
        let paths = |service: Service| service.paths().iter().map(move |prefix| Route { prefix, service });
        let mut routes: Vec<Route> = services.iter().copied().flat_map(paths).collect();
        routes.sort_by_key(|route| std::cmp::Reverse(route.prefix.len()));
        Self { routes }
    }

    /// The route of a canonical path; whole segments only.
    pub(crate) fn find(&self, path: &str) -> Option<Route> {
        let fits = |route: &&Route| {
            path.strip_prefix(route.prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.routes.iter().find(fits).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_longest_prefix_of_whole_segments_wins() {
        let table = Table::new(&[Service::Auth, Service::Prefs, Service::Agents, Service::Workspace]);
        let service = |path| table.find(path).map(|route| route.service);
        assert_eq!(service("/api/v1/prefs"), Some(Service::Prefs));
        assert_eq!(service("/api/v1/admin/prefs/x"), Some(Service::Prefs));
        assert_eq!(service("/api/v1/admin/users"), Some(Service::Auth));
        assert_eq!(service("/ws/workspaces/1"), Some(Service::Workspace));
        assert_eq!(service("/ws/ses_1"), Some(Service::Agents));
        for nowhere in
            ["/", "/api/v1", "/api/v1/prefsx", "/API/v1/prefs", "/internal/v1/auth/token", "/api/v1/orders"]
        {
            assert_eq!(service(nowhere), None, "{nowhere}");
        }
    }

    proptest! {
        #[test]
        fn nothing_internal_is_ever_routed(rest in "[a-z0-9/]{0,30}") {
            let table = Table::new(&Service::ALL);
            let path = format!("/internal/{}", rest);
            prop_assert_eq!(table.find(&path), None);
        }
    }
}
