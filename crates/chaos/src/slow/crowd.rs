//! Slow clients. When one was cut, another comes in its place, for a while.

use std::{
    cell::RefCell,
    collections::HashMap,
    io,
    net::{SocketAddr, SocketAddrV4},
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::Context;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::{AbortHandle, JoinSet},
    time::{sleep, timeout},
};

use super::sockets::connected_to;
use crate::{
    client::{Port, address},
    thing::Thing,
};

/// How many there are.
pub(super) const SIZE: usize = 2_000;

/// An address holds so many: each may hold a thousand.
const OF_AN_ADDRESS: usize = 50;

/// Between two bytes.
const BEAT: Duration = Duration::from_secs(1);

/// How often it is looked who was cut.
const LOOK: Duration = Duration::from_millis(500);

/// Between two that come: all at once would be another trial.
const APART: Duration = Duration::from_millis(1);

/// Longer than the kernels hold for anybody, and as short as a body may be.
const LONG: u64 = 6 << 20;
const SHORT: u64 = 100_000;

/// What a slow client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Sends a byte of a head each second.
    DripsHead,
    /// Sends a byte of a body each second.
    DripsBody,
    /// Takes five bytes of an answer each second.
    Sips,
    /// Takes 200 bytes each second, and so never quite stands still.
    Nips,
    /// Has asked once.
    Idles,
}

impl Kind {
    pub(super) const ALL: [Self; 5] = [Self::DripsHead, Self::DripsBody, Self::Sips, Self::Nips, Self::Idles];

    pub(super) const fn does(self) -> &'static str {
        match self {
            Self::DripsHead => "drips a head",
            Self::DripsBody => "drips a body",
            Self::Sips => "takes 5 B/s of an answer",
            Self::Nips => "takes 200 B/s of an answer",
            Self::Idles => "idles",
        }
    }

    const fn of(number: usize) -> Self {
        match number {
            0..1_000 => Self::DripsHead,
            1_000..1_700 => Self::DripsBody,
            1_700..1_750 => Self::Sips,
            1_750..1_800 => Self::Nips,
            _ => Self::Idles,
        }
    }
}

/// All of them.
pub(super) struct Crowd {
    to: Port,
    /// Those whose connection the gateway still has.
    open: RefCell<HashMap<SocketAddrV4, Slow>>,
    /// How long each was suffered that was cut, seconds.
    cut: RefCell<Vec<(Kind, f64)>>,
    tasks: RefCell<JoinSet<()>>,
}

struct Slow {
    number: usize,
    since: Instant,
    task: AbortHandle,
}

impl Crowd {
    /// Lets all of them come.
    pub(super) async fn gather(to: &Port) -> anyhow::Result<Self> {
        let crowd = Self {
            to: Rc::clone(to),
            open: RefCell::default(),
            cut: RefCell::default(),
            tasks: RefCell::default(),
        };
        for number in 0..SIZE {
            crowd.come(number).await?;
            sleep(APART).await;
        }
        Ok(crowd)
    }

    async fn come(&self, number: usize) -> anyhow::Result<()> {
        let stream = connect(number, self.to.get()).await.context("a slow client cannot connect")?;
        let SocketAddr::V4(from) = stream.local_addr()? else { anyhow::bail!("no IPv4 address") };
        // Tolerated: it was cut, which is what is looked at from the other side.
        let task =
            self.tasks.borrow_mut().spawn_local(async move { drop(act(Kind::of(number), stream).await) });
        self.open.borrow_mut().insert(from, Slow { number, since: Instant::now(), task });
        Ok(())
    }

    /// Who is cut comes again, for so long; but for those that idle.
    pub(super) async fn keep_coming(&self, span: Duration) -> anyhow::Result<()> {
        let began = Instant::now();
        while began.elapsed() < span {
            for number in self.look()? {
                if Kind::of(number) != Kind::Idles {
                    self.come(number).await?;
                    sleep(APART).await;
                }
            }
            sleep(LOOK).await;
        }
        Ok(())
    }

    pub(super) async fn all_cut(&self) -> anyhow::Result<()> {
        while !self.open.borrow().is_empty() {
            self.look()?;
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// Who was cut since the last look.
    fn look(&self) -> io::Result<Vec<usize>> {
        let there = connected_to(self.to.get())?;
        let mut gone = Vec::new();
        self.open.borrow_mut().retain(|from, slow| {
            let held = slow.since.elapsed();
            let is_there = there.contains(from);
            if !is_there {
                slow.task.abort();
                self.cut.borrow_mut().push((Kind::of(slow.number), held.as_secs_f64()));
                gone.push(slow.number);
            }
            is_there
        });
        Ok(gone)
    }

    pub(super) fn cut(&self, kind: Kind) -> Vec<f64> {
        self.cut.borrow().iter().filter(|(of, _)| *of == kind).map(|(_, held)| *held).collect()
    }

    pub(super) fn left(&self, kind: Kind) -> usize {
        self.open.borrow().values().filter(|slow| Kind::of(slow.number) == kind).count()
    }
}

async fn connect(number: usize, port: u16) -> io::Result<TcpStream> {
    let from = u32::try_from(number / OF_AN_ADDRESS).map_err(io::Error::other)?;
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(4096)?;
    socket.bind((address(from), 0).into())?;
    socket.connect(([127, 0, 0, 1], port).into()).await
}

async fn act(kind: Kind, mut stream: TcpStream) -> io::Result<()> {
    let thing = Thing::of(0, LONG);
    match kind {
        Kind::DripsHead => drip(stream, b"GET / HTTP/1.1\r\nhost: chaos\r\nx-slow: ").await,
        Kind::DripsBody => drip(stream, &Thing::of(0, SHORT).post_head()).await,
        Kind::Sips => sip(stream, &thing.get().bytes(), 5).await,
        Kind::Nips => sip(stream, &thing.get().bytes(), 200).await,
        Kind::Idles => {
            stream.write_all(&Thing::small(0).get().bytes()).await?;
            std::future::pending().await
        }
    }
}

/// Byte by byte, until the other side ends it.
async fn drip(mut stream: TcpStream, begin: &[u8]) -> io::Result<()> {
    stream.write_all(begin).await?;
    let mut answer = [0; 1024];
    loop {
        match timeout(BEAT, stream.read(&mut answer)).await {
            Ok(read) => {
                if read? == 0 {
                    return Ok(());
                }
            }
            Err(_elapsed) => stream.write_all(b"x").await?,
        }
    }
}

async fn sip(mut stream: TcpStream, request: &[u8], bytes: usize) -> io::Result<()> {
    stream.write_all(request).await?;
    let mut sip = vec![0; bytes];
    while stream.read(&mut sip).await? > 0 {
        sleep(BEAT).await;
    }
    Ok(())
}
