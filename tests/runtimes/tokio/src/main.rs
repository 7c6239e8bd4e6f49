// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//! A program on tokio of known truth.
//!
//!     tokio-forms idle        waits for clients
//!     tokio-forms serial      one task computes
//!     tokio-forms compute     four tasks compute
//!     tokio-forms net PORT    eight tasks each ask a server and wait for its answer
//!     tokio-forms lock        three std::sync::Mutex, each for two blocking threads; prints how
//!                             long they were waited for
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const ROUNDS: u32 = 30;

static SINK: AtomicU64 = AtomicU64::new(0);

async fn compute() {
    loop {
        SINK.fetch_add(1, Ordering::Relaxed);
    }
}

async fn ask(port: u16) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let mut byte = [0];
    loop {
        stream.write_all(&byte).await?;
        stream.read_exact(&mut byte).await?;
    }
}

#[derive(Default)]
struct Waited {
    ns: u128,
    waits: u32,
}

fn use_lock(lock: &Mutex<Waited>, hold: Duration) {
    for _ in 0..ROUNDS {
        let from = Instant::now();
        let mut waited = lock.lock().unwrap();
        let ns = from.elapsed().as_nanos();
        if ns > 50_000 {
            waited.ns += ns;
            waited.waits += 1;
        }
        std::thread::sleep(hold);
        drop(waited);
        std::thread::sleep(hold / 4);
    }
}

async fn use_locks() {
    let locks: Vec<_> = (0..3).map(|_| Arc::new(Mutex::new(Waited::default()))).collect();
    let mut users = Vec::new();
    for (i, lock) in locks.iter().enumerate() {
        for _ in 0..2 {
            let lock = lock.clone();
            let hold = Duration::from_millis(4 * (i as u64 + 1));
            users.push(tokio::task::spawn_blocking(move || use_lock(&lock, hold)));
        }
    }
    for user in users {
        user.await.unwrap();
    }
    for (i, lock) in locks.iter().enumerate() {
        let waited = lock.lock().unwrap();
        println!(
            "{{\"lock\": {}, \"addr\": \"{:p}\", \"wait_ns\": {}, \"waits\": {}}}",
            i,
            Arc::as_ptr(lock),
            waited.ns,
            waited.waits
        );
    }
}

async fn run(form: &str, argument: Option<&String>) {
    match form {
        "idle" => {
            let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
            println!("ready");
            server.accept().await.unwrap();
        }
        "serial" => {
            tokio::spawn(compute());
        }
        "compute" => {
            for _ in 0..4 {
                tokio::spawn(compute());
            }
        }
        "net" => {
            let port = argument.unwrap().parse().unwrap();
            for _ in 0..8 {
                tokio::spawn(ask(port));
            }
        }
        _ => return use_locks().await,
    }
    println!("ready");
    std::future::pending::<()>().await
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .unwrap()
        .block_on(run(&args[1], args.get(2)));
}
