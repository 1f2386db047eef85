use std::time::Duration;

use castellan::{
    background,
    mail::{self, Brand, Mail},
};

use crate::support::{Castellan, Mood, SmtpSink};

async fn scene() -> (Castellan, SmtpSink) {
    let sink = SmtpSink::start().await;
    let config = sink.config();
    (Castellan::start_with(|own| own.mail = Some(config)).await, sink)
}

fn brand() -> Brand {
    Brand { name: "Harbour Dental".to_owned(), support: Some("it@harbour.example".to_owned()) }
}

async fn send(castellan: &Castellan, mail: Mail) {
    let (master, now) = (castellan.app.master.clone(), castellan.now());
    let expires_at = now + Duration::from_secs(3600);
    castellan.write(async move |tx| mail::enqueue(tx, &master, &mail, expires_at, now).await).await;
    background::settle(&castellan.app).await.expect("settled");
}

fn reset(to: &str, name: &str) -> Mail {
    mail::password_reset(&brand(), to, name, "https://id.example/reset?token=abc", 30)
}

#[tokio::test]
async fn a_mail_arrives_in_text_and_html_with_its_link() {
    let (castellan, sink) = scene().await;
    send(&castellan, reset("anna@example.com", "Anna Åsen")).await;
    let mail = sink.delivered().remove(0);
    assert_eq!(mail.to, ["anna@example.com"]);
    assert!(mail.from.contains("castellan@vendor.example"));
    assert_eq!(mail.header("To"), "anna@example.com");
    assert_eq!(mail.header("Subject"), "Set a new password for Harbour Dental");
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    assert!(mail.header("Message-ID").ends_with("@vendor.example>"));
    assert!(mail.header("Date").starts_with("Tue, 24 Nov 2026 08:00:00"), "{}", mail.header("Date"));
    assert!(mail.header("Content-Type").starts_with("multipart/alternative"));
    for part in ["Content-Type: text/plain; charset=utf-8", "Content-Type: text/html; charset=utf-8"] {
        assert!(mail.data.contains(part), "{}", mail.data);
    }
    assert!(mail.data.replace("=3D", "=").replace("=\r\n", "").contains("https://id.example/reset?token=abc"));
}

/// Rows 30 and 144 of the security programme: one recipient, fixed headers, whatever was stored.
#[tokio::test]
async fn no_address_and_no_name_makes_another_header_or_recipient() {
    let (castellan, sink) = scene().await;
    for to in [
        "anna@example.com,eve@example.com",
        "anna@example.com;eve@example.com",
        "anna@example.com\r\nBcc: eve@example.com",
        "anna@example.com>\r\nRCPT TO:<eve@example.com",
        "\"anna\r\n\"@example.com",
        "Anna <anna@example.com>",
        "anna@example.com eve@example.com",
        "anna@example.com\0",
        "",
    ] {
        send(&castellan, reset(to, "Anna")).await;
    }
    assert!(sink.delivered().is_empty(), "{:?}", sink.delivered());
    castellan.advance(7200);
    background::settle(&castellan.app).await.expect("settled");
    assert!(sink.delivered().is_empty(), "nor later");

    let plain = ["Bcc", "Content-Type", "To", "X-Evil", "Subject"];
    for name in [
        "a\r\nBcc: eve@example.com",
        "a\nX-Evil: 1\n\n<b>x</b>",
        "a\u{2028}b",
        "=?utf-8?q?x?=",
        "\"; x",
        "é\r\n.\r\nQUIT",
    ] {
        let brand = Brand { name: name.to_owned(), support: Some(name.to_owned()) };
        send(&castellan, mail::password_reset(&brand, "anna@example.com", name, "https://id.example/", 30)).await;
        let mail = sink.delivered().pop().expect("it arrives");
        assert_eq!(mail.to, ["anna@example.com"], "{name:?}");
        let count = |wanted: &str| mail.headers().iter().filter(|line| line.starts_with(&format!("{wanted}:"))).count();
        assert_eq!(plain.map(count), [0, 1, 1, 0, 1], "{name:?}: {:?}", mail.headers());
    }
    assert_eq!(sink.delivered().len(), 6);
}

#[tokio::test]
async fn a_server_that_is_down_gets_the_mail_later() {
    let (castellan, sink) = scene().await;
    for mood in [Mood::HangsUp, Mood::Later] {
        sink.set(mood);
        send(&castellan, reset("anna@example.com", "Anna")).await;
        assert!(sink.delivered().is_empty(), "{mood:?}");
    }
    sink.set(Mood::Takes);
    castellan.advance(60);
    background::settle(&castellan.app).await.expect("settled");
    assert_eq!(sink.delivered().len(), 2);
    castellan.advance(600);
    background::settle(&castellan.app).await.expect("settled");
    assert_eq!(sink.delivered().len(), 2, "once each");
}

#[tokio::test]
async fn a_mailbox_that_does_not_exist_is_given_up() {
    let (castellan, sink) = scene().await;
    sink.set(Mood::Never);
    send(&castellan, reset("nobody@example.com", "Nobody")).await;
    sink.set(Mood::Takes);
    castellan.advance(600);
    background::settle(&castellan.app).await.expect("settled");
    assert!(sink.delivered().is_empty());
}

#[tokio::test]
async fn a_link_that_has_expired_is_not_mailed() {
    let (castellan, sink) = scene().await;
    sink.set(Mood::HangsUp);
    send(&castellan, reset("anna@example.com", "Anna")).await;
    sink.set(Mood::Takes);
    castellan.advance(3601);
    background::settle(&castellan.app).await.expect("settled");
    assert!(sink.delivered().is_empty());
}

/// Row 145 of the security programme: the certificate is checked, and for the name that was configured.
#[tokio::test]
async fn a_mail_server_that_cannot_prove_its_name_gets_no_mail() {
    use castellan::{
        clock::Clock,
        id::OutboxId,
        jobs::Failure,
        mail::{Mailer, Smtp, Tls},
    };
    let castellan = Castellan::start().await;
    let authority = include_str!("../support/tls/ca.pem");
    let now = Clock::system().now();
    for (name, certificate, key, trusted, arrives) in [
        ("right", include_str!("../support/tls/right.pem"), include_str!("../support/tls/right.key"), true, true),
        (
            "unknown authority",
            include_str!("../support/tls/right.pem"),
            include_str!("../support/tls/right.key"),
            false,
            false,
        ),
        (
            "another name",
            include_str!("../support/tls/other.pem"),
            include_str!("../support/tls/other.key"),
            true,
            false,
        ),
        (
            "expired",
            include_str!("../support/tls/expired.pem"),
            include_str!("../support/tls/expired.key"),
            true,
            false,
        ),
    ] {
        let sink = SmtpSink::start_tls(certificate, key).await;
        let mailer = Mailer::smtp(&Smtp {
            host: "127.0.0.1".to_owned(),
            port: sink.address.port(),
            tls: Tls::Implicit,
            login: None,
            from: "castellan@vendor.example".to_owned(),
            authorities: trusted.then(|| authority.as_bytes().to_vec()),
        })
        .expect("a mailer");
        let mail = reset("anna@example.com", "Anna");
        let sent = mailer.send((&castellan.app.store, &castellan.app.master), OutboxId::new(now), &mail, now).await;
        assert_eq!(sent.is_ok(), arrives, "{name}: {sent:?}");
        assert!(arrives || matches!(sent, Err(Failure::Later(_))), "{name}: it stays in the outbox");
        assert_eq!(sink.delivered().len(), usize::from(arrives), "{name}");
    }
}
