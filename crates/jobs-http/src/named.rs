use actix_web::dev::{AppService, HttpServiceFactory};
use service_discovery::Service;
use utoipa::openapi::{
    RefOr,
    path::{Operation, Paths},
    schema::Schema,
};
use utoipa_actix_web::OpenApiFactory;

/// Routes that several services have: in their operation ids, which are unique over all
/// services, the service's name takes the place of `{service}`.
pub(crate) struct Named<F> {
    routes: F,
    service: Service,
}

impl<F> Named<F> {
    pub(crate) fn new(routes: F, service: Service) -> Self {
        Self { routes, service }
    }

    fn name(&self, operation: &mut Operation) {
        if let Some(id) = &mut operation.operation_id {
            *id = id.replace("{service}", self.service.name());
        }
    }
}

impl<F: HttpServiceFactory> HttpServiceFactory for Named<F> {
    fn register(self, config: &mut AppService) {
        self.routes.register(config);
    }
}

impl<F: OpenApiFactory> OpenApiFactory for Named<F> {
    fn paths(&self) -> Paths {
        let mut paths = self.routes.paths();
        for item in paths.paths.values_mut() {
            [&mut item.get, &mut item.post].into_iter().flatten().for_each(|operation| self.name(operation));
        }
        paths
    }

    fn schemas(&self, schemas: &mut Vec<(String, RefOr<Schema>)>) {
        self.routes.schemas(schemas);
    }
}
