#!/usr/bin/env python3
"""Starts the images that deploy/docker/images.sh has built with buildah, without any engine: each from its own
root file system, read-only, as its own user, with secrets as files; on a private PostgreSQL and Redis.

    deploy/docker/smoke.py        as root, for chroot and mounts

Then registers somebody through the gateway, and ends an auth and the gateway under load: readiness drops first,
nothing fails, and both are gone within their grace.
"""

import base64
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlparse

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ("gateway", "auth", "plinth")
VERSION = next(line.split('"')[1] for line in (ROOT / "Cargo.toml").read_text().splitlines() if line.startswith("version = "))
PREFIX, TAG = os.environ.get("IMAGES_PREFIX", "plinth"), os.environ.get("IMAGES_TAG", VERSION)
USER = "65532:65532"
# Drain and grace (docs/settings.md), and some for a slow machine.
ENDS_WITHIN = 20


def main() -> None:
    if os.geteuid() != 0:
        sys.exit("smoke: chroot and mounts take root")
    with tempfile.TemporaryDirectory(prefix="plinth-smoke-") as folder:
        place = Path(folder)
        place.chmod(0o755)
        with Images() as images, Servers(place) as servers:
            for name in IMAGES:
                images.inspect(name)
            given = write_secrets(place / "secrets", servers)
            with Containers(images, given) as containers:
                walk(containers)


def buildah(*arguments: str) -> str:
    made = subprocess.run(["buildah", "--storage-driver", "vfs", *arguments], capture_output=True, text=True)
    if made.returncode != 0:
        sys.exit(f"smoke: buildah {' '.join(arguments)}: {made.stderr.strip()}")
    return made.stdout.strip()


class Images:
    """A working container of each image, mounted."""

    def __enter__(self):
        self.containers = {name: buildah("from", f"localhost/{PREFIX}/{name}:{TAG}") for name in IMAGES}
        self.roots = {name: Path(buildah("mount", container)) for name, container in self.containers.items()}
        return self

    def __exit__(self, *_):
        for container in self.containers.values():
            buildah("umount", container)
            buildah("rm", container)

    def inspect(self, name: str) -> None:
        """Nothing is in it but the service, its user and its authorities; it is static, and nobody's root."""
        root, config = self.roots[name], json.loads(buildah("inspect", "--type", "image", f"localhost/{PREFIX}/{name}:{TAG}"))
        files = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
        expect(files == ["etc/group", "etc/nsswitch.conf", "etc/passwd", "etc/ssl/certs/ca-certificates.crt", "service"], f"{name} holds {files}")
        expect(config["OCIv1"]["config"]["User"] == USER, f"{name} runs as {config['OCIv1']['config'].get('User')}")
        headers = subprocess.run(["readelf", "--program-headers", str(root / "service")], capture_output=True, text=True).stdout
        expect("INTERP" not in headers, f"{name} is not static")
        size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
        expect(size < 25_000_000, f"{name} has {size} bytes")
        print(f"{name:<9} {size / 1e6:5.1f} MB, static, user {USER}, {len(files)} files, no shell")


class Servers:
    """PostgreSQL and Redis, private, by the image's own `plinth dev`."""

    def __init__(self, place: Path):
        self.state = place / "state"

    def __enter__(self):
        command = [str(ROOT / "target/images/bin/plinth"), "dev", "--no-build", "--port", "0", "--only", "--state-dir", str(self.state)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        endpoints = wait(lambda: json.loads((self.state / "endpoints.json").read_text()), "PostgreSQL and Redis")
        self.postgres, self.redis = endpoints["postgres"]["url"], endpoints["redis"]["url"]
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def write_secrets(folder: Path, servers: Servers) -> Path:
    """What docker-compose.yml and Kubernetes mount, made anew."""
    place = urlparse(servers.postgres)
    values = {
        "admin-database-url": servers.postgres,
        "redis-url": servers.redis,
        "sealing-keys": f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}",
        "token-keys": base64.b64encode(secrets.token_bytes(32)).decode(),
        "client-secret": secrets.token_hex(24),
    }
    for service in ("auth", "prefs", "webhook"):
        for role, name in ((service, "database-url"), (f"{service}_owner", "owner-url")):
            values[f"{service}-{name}"] = f"postgres://{role}:{secrets.token_hex(16)}@{place.hostname}:{place.port}/{service}"
    folder.mkdir()
    for name, value in values.items():
        (folder / name).write_text(value)
        (folder / name).chmod(0o444)
    return folder


class Containers:
    """Processes of images: root file system read-only, secrets mounted, no variable but those given."""

    def __init__(self, images: Images, given: Path):
        self.images, self.given, self.running = images, given, []
        self.gateway, self.auth = (port(), port()), [(port(), port()), (port(), port())]

    def __enter__(self):
        # What an engine mounts.
        for root in self.images.roots.values():
            for place in ("run/secrets", "dev", "proc"):
                (root / place).mkdir(parents=True)
        return self

    def __exit__(self, *_):
        for process in self.running:
            process.kill()
            process.wait()

    def command(self, name: str, *arguments: str) -> list[str]:
        root = self.images.roots[name]
        mounts = f"mount --bind {root} {root} && mount --bind {self.given} {root}/run/secrets && mount --bind /dev {root}/dev"
        mounts += f" && mount -t proc proc {root}/proc && mount -o remount,bind,ro {root}"
        return ["unshare", "--mount", "sh", "-c", f'{mounts} && exec chroot --userspec={USER} {root} /service "$@"', "smoke", *arguments]

    def environment(self, service: str, ports: tuple[int, int]) -> dict[str, str]:
        prefix = service.upper()
        shared = {
            "PLINTH_PUBLIC_URL": f"http://127.0.0.1:{self.gateway[0]}",
            "AUTH_SERVICE_URL": ",".join(f"http://127.0.0.1:{public}" for public, _ in self.auth),
            "AUTH_INTERNAL_URL": ",".join(f"http://127.0.0.1:{internal}" for _, internal in self.auth),
            "GATEWAY_INTERNAL_URL": f"http://127.0.0.1:{self.gateway[1]}",
            f"{prefix}__HTTP__BIND": f"0.0.0.0:{ports[0]}",
            f"{prefix}__HTTP__INTERNAL_BIND": f"0.0.0.0:{ports[1]}",
        }
        own = {
            "auth": {"DATABASE__URL": "auth-database-url", "SEALING__KEYS": "sealing-keys", "CLIENTS__GATEWAY": "client-secret"},
            "gateway": {"REDIS__URL": "redis-url", "TOKEN__KEYS": "token-keys", "CLIENT__SECRET": "client-secret"},
        }[service]
        plain = {"AUTH__EVENTS__SUBSCRIBERS": "", "AUTH__EXPORTS__SERVICES": ""} if service == "auth" else {"GATEWAY__SERVICES": "auth", "GATEWAY__LIMITS__ENFORCED": "false"}
        return shared | plain | {f"{prefix}__{name}_FILE": f"/run/secrets/{file}" for name, file in own.items()}

    def start(self, service: str, ports: tuple[int, int]) -> subprocess.Popen:
        process = subprocess.Popen(self.command(service), env={"PATH": os.environ["PATH"], **self.environment(service, ports)}, stdout=subprocess.DEVNULL)
        self.running.append(process)
        return process

    def run(self, name: str, variables: dict[str, str], *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(self.command(name, *arguments), env={"PATH": os.environ["PATH"], **variables}, capture_output=True, text=True)


def walk(containers: Containers) -> None:
    """Migrate, start, use, end."""
    databases = {
        f"{service.upper()}__DATABASE__{name}_FILE": f"/run/secrets/{service}-{file}"
        for service in ("auth", "prefs", "webhook")
        for name, file in (("URL", "database-url"), ("OWNER_URL", "owner-url"))
    }
    migrated = containers.run("plinth", databases | {"PLINTH_ADMIN_DATABASE_URL_FILE": "/run/secrets/admin-database-url"}, "migrate", "up")
    expect(migrated.returncode == 0, f"migrate up: {migrated.stdout}{migrated.stderr}")
    auths = [containers.start("auth", ports) for ports in containers.auth]
    gateway = containers.start("gateway", containers.gateway)
    for public, _ in [containers.gateway, *containers.auth]:
        wait(lambda: get(public, "/readyz")[0] == 200, f"readiness at {public}")
    checked = containers.run("auth", {"AUTH__HTTP__INTERNAL_BIND": f"0.0.0.0:{containers.auth[0][1]}"}, "healthcheck")
    expect((checked.returncode, checked.stdout) == (0, "ready\n"), f"healthcheck: {checked}")
    token = arrive(containers.gateway[0])
    print("started from their root file systems: migrated, healthy, registered, logged in")
    end("auth, one of two, behind the gateway", auths[0], containers.auth[0][0], containers.gateway[0], token, stays=True)
    end("gateway", gateway, containers.gateway[0], containers.gateway[0], token, stays=False)


def arrive(gateway: int) -> str:
    """Somebody's access token."""
    account = {"email": "ada@example.com", "password": "correct horse battery staple"}
    status, body = get(gateway, "/api/v1/auth/register", account)
    expect(status == 202, f"register: {status} {body}")
    status, body = get(gateway, "/api/v1/auth/login", account)
    expect(status == 200, f"login: {status} {body}")
    return json.loads(body)["access_token"]


def end(what: str, process: subprocess.Popen, own: int, asked: int, token: str, stays: bool) -> None:
    """SIGTERM under load. Where all of a service goes, callers leave when they see that it is not ready."""
    load = Load(asked, token)
    wait(lambda: load.done > 200, "load")
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    wait(lambda: get(own, "/readyz")[0] == 503, "readiness to drop")
    dropped, served = time.monotonic() - started, load.done
    if not stays:
        time.sleep(2)
        expect(load.done > served, "requests are taken while it drains")
        load.stop()
    expect(process.wait(ENDS_WITHIN) == 0, f"it ended with {process.returncode}")
    gone = time.monotonic() - started
    if stays:
        time.sleep(2)
        load.stop()
    expect(not load.failures, f"{len(load.failures)} of {load.done} requests failed: {load.failures[:3]}")
    print(f"{what}: not ready after {dropped:.1f} s, gone after {gone:.1f} s with 0; of {load.done} requests none failed")


class Load:
    """Eight clients that ask who they are, on kept connections and new ones."""

    def __init__(self, port: int, token: str):
        self.done, self.failures, self.stopped = 0, [], threading.Event()
        self.threads = [threading.Thread(target=self.ask, args=(port, token, kept), daemon=True) for kept in (True, False) * 4]
        for thread in self.threads:
            thread.start()

    def ask(self, port: int, token: str, kept: bool) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while not self.stopped.is_set():
            try:
                connection.request("GET", "/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"})
                reply = connection.getresponse()
                reply.read()
                if reply.status != 200:
                    self.failures.append(reply.status)
                if not kept or reply.getheader("connection") == "close":
                    connection.close()
            except OSError as why:
                self.failures.append(repr(why))
                connection.close()
            self.done += 1
            time.sleep(0.002)

    def stop(self) -> None:
        self.stopped.set()
        for thread in self.threads:
            thread.join()


def get(port: int, path: str, body: dict | None = None) -> tuple[int, str]:
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    text = json.dumps(body) if body else None
    connection.request("POST" if body else "GET", path, body=text, headers={"Content-Type": "application/json"} if body else {})
    reply = connection.getresponse()
    return reply.status, reply.read().decode()


def port() -> int:
    """One that is free."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait(ask, what: str, seconds: float = 60):
    """What `ask` gives, once it gives something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if given := ask():
                return given
        except (OSError, ValueError):
            pass
        time.sleep(0.05)
    sys.exit(f"smoke: no {what} within {seconds} s")


def expect(holds: bool, otherwise: str) -> None:
    if not holds:
        sys.exit(f"smoke: {otherwise}")


if __name__ == "__main__":
    if not shutil.which("buildah"):
        sys.exit("smoke: buildah is not here; with Docker, start docker-compose.yml instead")
    main()
