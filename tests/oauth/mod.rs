mod client_authentication;
mod client_credentials;
