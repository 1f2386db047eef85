//! Castellan: the identity server for vendors who sell products through managed service providers.
//!
//! Read from the bottom: the leaves know nothing of identity, the nouns own a type, its rules and its
//! rows, the protocol rooms speak HTTP and never SQL, and [`router`] has every route on one page.
//! Imports point down, apart from what `tests/tidy.rs` lists: four nouns (users, sessions, mfa, tokens) know
//! one another, since the end of an account, a session or a factor is the end of what rests on it; and
//! [`app`] asks [`portal`] how it wants to be registered.

// The databases; first, since the rooms below use its macros.
#[macro_use]
pub mod store;

// The server, put together.
pub mod app;
pub mod background;
pub mod commands;
pub mod demo;
pub mod router;

// Protocol rooms: know HTTP, never SQL.
pub mod account;
pub mod api;
pub mod login;
pub mod oauth;
pub mod oidc;
pub mod portal;
pub mod scim;
pub mod setup;

// Mechanics.
pub mod config;
pub mod http;
pub mod operation;

// Noun rooms: a type, its rules and its rows; never axum.
pub mod access;
pub mod action_tokens;
pub mod api_tokens;
pub mod attempts;
pub mod audit;
pub mod clients;
pub mod connections;
pub mod counters;
pub mod custom_resources;
pub mod groups;
pub mod jobs;
pub mod keys;
pub mod mail;
pub mod mailed_links;
pub mod mfa;
pub mod organizations;
pub mod portal_sessions;
pub mod products;
pub mod provisioning;
pub mod search;
pub mod sessions;
pub mod settings;
pub mod tokens;
pub mod users;
pub mod webhooks;

// Leaves.
pub mod clock;
pub mod id;
pub mod secret;
pub mod text;
