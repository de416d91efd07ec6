use core::time::Duration;

use futures::future;
use futures::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use super::*;
use crate::{Sim, now, sleep, spawn, timeout, yield_now};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn bytes_arrive_in_order_through_a_small_buffer() {
    Sim::new()
        .run(|| async {
            let (mut client, mut server) = duplex(3);
            let text = b"the quick brown fox";
            let writer = spawn(async move {
                client.write_all(text).await.unwrap();
                client.close().await.unwrap();
                let mut answer = String::new();
                client.read_to_string(&mut answer).await.unwrap();
                answer
            });
            let mut read = Vec::new();
            server.read_to_end(&mut read).await.unwrap();
            assert_eq!(read, text);
            // Closing ends one direction only.
            server.write_all(b"seen").await.unwrap();
            drop(server);
            assert_eq!(writer.await.unwrap(), "seen");
        })
        .unwrap();
}

#[test]
fn a_writer_waits_for_room_and_learns_that_the_reader_is_gone() {
    Sim::new()
        .run(|| async {
            let (mut client, server) = duplex(2);
            assert_eq!(client.write(b"abc").await.unwrap(), 2);
            assert_eq!(client.write(b"").await.unwrap(), 0);
            assert!(timeout(SECOND, client.write(b"c")).await.is_err());
            let (written, ()) = future::join(client.write(b"c"), async {
                yield_now().await;
                drop(server);
            })
            .await;
            assert_eq!(written.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
            assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
        })
        .unwrap();
}

#[test]
fn what_was_written_before_a_drop_can_be_read() {
    Sim::new()
        .run(|| async {
            let (mut client, mut server) = duplex(8);
            client.write_all(b"last").await.unwrap();
            drop(client);
            let mut read = Vec::new();
            server.read_to_end(&mut read).await.unwrap();
            assert_eq!(read, b"last");
        })
        .unwrap();
}

#[test]
fn latency_delays_bytes_and_the_end_and_takes_room() {
    Sim::new()
        .run(|| async {
            let (client, mut server) = duplex(4);
            let mut client = client.with_latency(SECOND);
            let writer = spawn(async move {
                client.write_all(b"ab").await.unwrap();
                sleep(SECOND / 2).await;
                client.write_all(b"cdef").await.unwrap();
                (client, now())
            });
            let mut buffer = [0; 8];
            assert_eq!(server.read(&mut buffer).await.unwrap(), 2);
            assert_eq!(now(), SECOND);
            assert_eq!(server.read(&mut buffer).await.unwrap(), 2);
            assert_eq!(now(), SECOND * 3 / 2);
            let (client, written) = writer.await.unwrap();
            assert_eq!(written, SECOND, "room came with the first read");
            assert_eq!(server.read(&mut buffer).await.unwrap(), 2);
            assert_eq!(now(), 2 * SECOND);
            drop(client);
            assert_eq!(server.read(&mut buffer).await.unwrap(), 0);
            assert_eq!(now(), 3 * SECOND);
            // The other direction has none.
        })
        .unwrap();
}

#[test]
fn a_reader_that_waits_already_is_woken_when_bytes_arrive() {
    Sim::new()
        .run(|| async {
            let (client, mut server) = duplex(8);
            let mut client = client.with_latency(2 * SECOND);
            let reader = spawn(async move {
                let mut line = String::new();
                BufReader::new(&mut server).read_line(&mut line).await.unwrap();
                (line, now())
            });
            sleep(SECOND).await;
            client.write_all(b"hello\n").await.unwrap();
            assert_eq!(reader.await.unwrap(), ("hello\n".to_owned(), 3 * SECOND));
        })
        .unwrap();
}

#[test]
fn a_read_that_timed_out_takes_nothing_and_can_be_done_again() {
    Sim::new()
        .run(|| async {
            let (client, mut server) = duplex(8);
            let mut client = client.with_latency(3 * SECOND);
            client.write_all(b"x").await.unwrap();
            let mut buffer = [0; 8];
            for _ in 0..2 {
                assert!(timeout(SECOND, server.read(&mut buffer)).await.is_err());
            }
            assert_eq!(server.read(&mut buffer).await.unwrap(), 1);
            assert_eq!(now(), 3 * SECOND);
        })
        .unwrap();
}

#[test]
fn both_directions_work_at_once_in_one_task() {
    Sim::new()
        .run(|| async {
            let (client, server) = duplex(16);
            let echo = async {
                let (reader, mut writer) = server.split();
                futures::io::copy(reader, &mut writer).await.unwrap();
                writer.close().await.unwrap();
            };
            let talk = async {
                let (mut reader, mut writer) = client.split();
                let send = async {
                    writer.write_all(&[7; 1000]).await.unwrap();
                    writer.close().await.unwrap();
                };
                let mut back = Vec::new();
                let (read, ()) = future::join(reader.read_to_end(&mut back), send).await;
                assert_eq!(read.unwrap(), 1000);
            };
            future::join(echo, talk).await;
        })
        .unwrap();
}

#[test]
fn everything_is_send() {
    fn is_send<T: Send>(_: &T) {}
    let (mut stream, _other) = duplex(1);
    is_send(&stream.read(&mut [0]));
    is_send(&stream);
}
