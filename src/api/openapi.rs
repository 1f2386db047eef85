use axum::Json;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use super::{api_tokens, connection_clients, connections, me, organizations, products, users, webhooks};

/// The API's description: made from the handlers themselves, checked by a snapshot test.
#[derive(OpenApi)]
#[openapi(
    info(title = "Castellan API", description = "What administrators do, for programs. Errors are RFC 9457 problems."),
    paths(
        me::show,
        me::products,
        organizations::list,
        organizations::show,
        products::list,
        users::list::list,
        users::create::create,
        users::list::show,
        users::change::change,
        users::ending::remove,
        users::ending::deactivate,
        users::ending::reactivate,
        users::mended::reset_password,
        users::mended::reset_mfa,
        users::mended::invite,
        users::access::give_product,
        users::access::take_product,
        connections::list,
        connections::create,
        connections::show,
        connections::create_token,
        connections::revoke_token,
        connection_clients::list,
        connection_clients::create,
        connection_clients::delete,
        connections::change,
        connections::pause,
        connections::resume,
        connections::end,
        connections::health,
        connections::entries,
        connections::held,
        connections::release,
        connections::discard,
        webhooks::list,
        webhooks::create,
        webhooks::delete,
        api_tokens::list,
        api_tokens::create,
        api_tokens::revoke,
    ),
    modifiers(&Bearer),
    security(("bearer" = [])),
)]
struct Description;

/// How one signs in: a bearer token.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "An access token of the portal's audience with the scope `api`, or an API token (`cst_api_...`).",
            ))
            .build();
        openapi.components.get_or_insert_default().add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// `GET /api/v1/openapi.json`, for everybody.
pub async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(document())
}

/// The description as a value, for the snapshot test.
pub fn document() -> utoipa::openapi::OpenApi {
    Description::openapi()
}
