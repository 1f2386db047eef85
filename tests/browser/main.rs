//! The browser suite: Chromium, driven through WebDriver, at a demo server in a process of its own.
//!
//! `CASTELLAN_TEST_DATABASE=postgres://...` runs it on PostgreSQL. `CASTELLAN_SCREENSHOTS=DIR` keeps
//! pictures of every page on the way, in both themes and at phone width.

mod chromium;
mod demo;
mod guard;
mod passkey;
mod story;
