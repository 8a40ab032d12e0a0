//! Everything a plugin can call, by name. What is not listed here does not exist for it.

use wasmtime::{
    Engine,
    component::{HasData, HasSelf, Linker, Resource, ResourceTable},
};
use wasmtime_wasi::{
    ResourceTableError, WasiView as _,
    cli::{WasiCli, WasiCliView as _},
    clocks::{WasiClocks, WasiClocksView as _},
    filesystem::{WasiFilesystem, WasiFilesystemView as _},
    p2::{
        DynPollable, IoError, SocketError, SocketResult, TcpSocket, UdpSocket,
        bindings::{
            cli, clocks, filesystem, random,
            sockets::{
                self, ip_name_lookup,
                network::{self, ErrorCode, IpAddress, IpAddressFamily, Network},
                tcp_create_socket, udp_create_socket,
            },
        },
    },
    random::WasiRandom,
    sockets::{WasiSockets, WasiSocketsView as _},
};
use wasmtime_wasi_io::bindings::wasi::io;

use crate::{bindings, log::shorten, state::CallState};

/// The linker that all plugins share.
pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<CallState>> {
    let mut linker = Linker::new(engine);
    let l = &mut linker;

    bindings::Step::add_to_linker::<_, HasSelf<CallState>>(l, |state| state)?;

    io::error::add_to_linker::<_, Handles>(l, |state| &mut state.table)?;
    io::poll::add_to_linker::<_, Handles>(l, |state| &mut state.table)?;
    io::streams::add_to_linker::<_, Handles>(l, |state| &mut state.table)?;

    cli::environment::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    cli::exit::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    cli::stdin::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    cli::stdout::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    cli::stderr::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    cli::terminal_input::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    cli::terminal_output::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    cli::terminal_stdin::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    cli::terminal_stdout::add_to_linker::<_, WasiCli>(l, CallState::cli)?;
    cli::terminal_stderr::add_to_linker::<_, WasiCli>(l, CallState::cli)?;

    clocks::wall_clock::add_to_linker::<_, WasiClocks>(l, CallState::clocks)?;
    clocks::monotonic_clock::add_to_linker::<_, WasiClocks>(l, CallState::clocks)?;

    random::random::add_to_linker::<_, WasiRandom>(l, |state| state.ctx().ctx.random())?;
    random::insecure::add_to_linker::<_, WasiRandom>(l, |state| state.ctx().ctx.random())?;
    random::insecure_seed::add_to_linker::<_, WasiRandom>(l, |state| state.ctx().ctx.random())?;

    filesystem::preopens::add_to_linker::<_, WasiFilesystem>(l, CallState::filesystem)?;
    filesystem::types::add_to_linker::<_, WasiFilesystem>(l, CallState::filesystem)?;

    // Programs that could use the network are linked against all of it. No socket can be made and no name resolved, so
    // that the other functions have nothing to work on.
    sockets::instance_network::add_to_linker::<_, WasiSockets>(l, CallState::sockets)?;
    network::add_to_linker::<_, WasiSockets>(l, &network::LinkOptions::default(), CallState::sockets)?;
    sockets::tcp::add_to_linker::<_, WasiSockets>(l, CallState::sockets)?;
    sockets::udp::add_to_linker::<_, WasiSockets>(l, CallState::sockets)?;
    tcp_create_socket::add_to_linker::<_, NoNetwork>(l, |state| NoNetworkView(state))?;
    udp_create_socket::add_to_linker::<_, NoNetwork>(l, |state| NoNetworkView(state))?;
    ip_name_lookup::add_to_linker::<_, NoNetwork>(l, |state| NoNetworkView(state))?;
    Ok(linker)
}

struct Handles;

impl HasData for Handles {
    type Data<'a> = &'a mut ResourceTable;
}

/// The three doors to the network, closed. Each remembers that somebody knocked.
struct NoNetwork;

impl HasData for NoNetwork {
    type Data<'a> = NoNetworkView<'a>;
}

struct NoNetworkView<'a>(&'a mut CallState);

impl NoNetworkView<'_> {
    fn deny<T>(&mut self, what: String) -> Result<T, SocketError> {
        self.0.network_denied.get_or_insert(what);
        Err(ErrorCode::AccessDenied.into())
    }
}

impl network::Host for NoNetworkView<'_> {
    fn convert_error_code(&mut self, error: SocketError) -> wasmtime::Result<ErrorCode> {
        self.0.sockets().convert_error_code(error)
    }

    fn network_error_code(&mut self, error: Resource<IoError>) -> wasmtime::Result<Option<ErrorCode>> {
        self.0.sockets().network_error_code(error)
    }
}

impl network::HostNetwork for NoNetworkView<'_> {
    fn drop(&mut self, network: Resource<Network>) -> wasmtime::Result<()> {
        self.0.sockets().drop(network)
    }
}

impl tcp_create_socket::Host for NoNetworkView<'_> {
    fn create_tcp_socket(&mut self, _: IpAddressFamily) -> SocketResult<Resource<TcpSocket>> {
        self.deny("open a TCP socket".into())
    }
}

impl udp_create_socket::Host for NoNetworkView<'_> {
    async fn create_udp_socket(&mut self, _: IpAddressFamily) -> SocketResult<Resource<UdpSocket>> {
        self.deny("open a UDP socket".into())
    }
}

impl ip_name_lookup::Host for NoNetworkView<'_> {
    fn resolve_addresses(
        &mut self,
        _: Resource<Network>,
        name: String,
    ) -> SocketResult<Resource<ip_name_lookup::ResolveAddressStream>> {
        self.deny(format!("look up the host name `{}`", shorten(&name, 255)))
    }
}

/// Streams of addresses cannot exist: [`ip_name_lookup::Host::resolve_addresses`] never makes one.
impl ip_name_lookup::HostResolveAddressStream for NoNetworkView<'_> {
    fn resolve_next_address(
        &mut self,
        _: Resource<ip_name_lookup::ResolveAddressStream>,
    ) -> SocketResult<Option<IpAddress>> {
        Err(ErrorCode::AccessDenied.into())
    }

    fn subscribe(
        &mut self,
        _: Resource<ip_name_lookup::ResolveAddressStream>,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        Err(ResourceTableError::NotPresent.into())
    }

    fn drop(&mut self, stream: Resource<ip_name_lookup::ResolveAddressStream>) -> wasmtime::Result<()> {
        self.0.table.delete(stream)?;
        Ok(())
    }
}
