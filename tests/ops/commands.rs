//! Commands, as an operator types them.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::process::{Scratch, free_port};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_bad_configuration_stops_the_start_and_names_key_and_remedy() {
    let cases = [
        ("unheard = 1", "unheard", "Known here"),
        ("[tokens]\naccess_token_seconds = 0", "tokens.access_token_seconds", "Use 1 to"),
        ("public_url = \"http://id.example.com\"", "public_url", "https"),
        ("master_key_file = \"absent\"", "master_key_file", "castellan keys new-master"),
    ];
    for (toml, key, remedy) in cases {
        let scratch = Scratch::new();
        scratch.run(&["keys", "new-master"], &[]);
        scratch.write("castellan.toml", toml);
        for command in ["serve", "check-config"] {
            let output = scratch.run(&[command], &[]);
            let said = text(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{command}: {said}");
            assert!(said.contains(&format!("`{key}`")) && said.contains(remedy), "{command}: {said}");
            assert!(output.stdout.is_empty(), "{}", text(&output.stdout));
        }
    }
}

#[test]
fn a_variable_overrides_the_file_and_a_bad_one_is_named() {
    let scratch = Scratch::new();
    scratch.run(&["keys", "new-master"], &[]);
    scratch.write("castellan.toml", "public_url = \"https://id.example.com\"");
    let output = scratch.run(&["check-config"], &[("CASTELLAN_PUBLIC_URL", "https://login.example.com")]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("https://login.example.com"));
    let output = scratch.run(&["check-config"], &[("CASTELLAN_LIMITS__BURST", "lots")]);
    assert!(text(&output.stderr).contains("CASTELLAN_LIMITS__BURST"), "{}", text(&output.stderr));
}

#[test]
fn a_database_opens_only_with_the_key_of_its_first_start() {
    let scratch = Scratch::new();
    scratch.run(&["keys", "new-master"], &[]);
    scratch.write("castellan.toml", "");
    assert!(scratch.run(&["audit", "verify"], &[]).status.success());
    assert!(scratch.run(&["keys", "new-master", "other.key"], &[]).status.success());
    let output = scratch.run(&["audit", "verify"], &[("CASTELLAN_MASTER_KEY_FILE", "other.key")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("master_key_file"), "{}", text(&output.stderr));
    // A second key beside the first seals from now on, and everything still opens.
    assert!(scratch.run(&["keys", "new-master"], &[]).status.success());
    assert!(scratch.run(&["audit", "verify"], &[]).status.success());
}

/// security.md F23: readiness goes red first, what is under way ends well, and then the process does.
#[tokio::test]
async fn sigterm_lets_a_request_under_way_finish() {
    let scratch = Scratch::new();
    scratch.run(&["keys", "new-master"], &[]);
    let address = format!("127.0.0.1:{}", free_port());
    let server = scratch.start(&["serve"], &[("CASTELLAN_LISTEN", &address)]);
    let said = text(&scratch.wait_for("stdout").await);
    assert!(
        said.contains(&format!("http://localhost:{}/setup?token=", address.rsplit(':').next().unwrap_or_default()))
    );

    let mut slow = TcpStream::connect(&address).await.expect("a connection");
    let head = "POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    slow.write_all(format!("{head}Content-Length: 22\r\nConnection: close\r\n\r\ngrant_type=").as_bytes())
        .await
        .expect("sent");
    tokio::time::sleep(Duration::from_millis(50)).await;
    server.tell_to_stop();
    let mut red = false;
    for _ in 0..50 {
        let Ok(mut probe) = TcpStream::connect(&address).await else { break };
        let request = "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let mut answer = String::new();
        if probe.write_all(request.as_bytes()).await.is_ok() && probe.read_to_string(&mut answer).await.is_ok() {
            red |= answer.starts_with("HTTP/1.1 503");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(red, "readiness went red while the server still answered");
    slow.write_all(b"unknown_one").await.expect("sent");
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    server.stop();
}

/// security.md F16: a request that never ends its head is closed, and one source leaves room for others.
#[tokio::test]
async fn whoever_opens_many_connections_and_says_little_is_closed() {
    let scratch = Scratch::new();
    scratch.run(&["keys", "new-master"], &[]);
    let address = format!("127.0.0.1:{}", free_port());
    let limits = [("CASTELLAN_LIMITS__CONNECTIONS", "16"), ("CASTELLAN_LIMITS__HEADER_SECONDS", "1")];
    let server = scratch.start(&["serve"], &[[("CASTELLAN_LISTEN", address.as_str())].as_slice(), &limits].concat());
    scratch.wait_for("stdout").await;
    let mut held = Vec::new();
    for _ in 0..4 {
        let mut slow = TcpStream::connect(&address).await.expect("a connection");
        slow.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Never").await.expect("sent");
        held.push(slow);
    }
    let mut fifth = TcpStream::connect(&address).await.expect("a connection");
    let mut answer = String::new();
    let _ = fifth.read_to_string(&mut answer).await;
    assert_eq!(answer, "", "a quarter of all is the most that one source gets");
    for mut slow in held {
        let mut answer = String::new();
        let _ = slow.read_to_string(&mut answer).await;
        assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    let mut probe = TcpStream::connect(&address).await.expect("a connection");
    probe.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.expect("sent");
    let mut answer = String::new();
    probe.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    server.stop();
}
