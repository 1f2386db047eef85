mod authorize;
mod client_authentication;
mod client_credentials;
mod code;
mod deciding;
mod introspection;
mod isolation;
mod refresh;
