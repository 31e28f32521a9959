"""Times Consonance and its peers on the same training steps, taking turns, and writes every
measurement to a JSON file (run.sh makes the environment and calls this; report.py reads the file).
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

import numpy_peer
import workloads

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
DIGITS = ROOT / "crates/data/assets/digits.csv.gz"

PYTHON_PEERS = ["torch", "jax", "sklearn", "numpy"]
RUST_PEERS = ["candle", "burn-flex", "burn-ndarray"]

# Who is timed on the growing networks, and in which mode where there are several: what starts fast
# enough to be timed on so many.
GROWTH_PEERS = {
    "torch": "eager, fused optimizer",
    "jax": "jit of a scan",
    "candle": None,
    "burn-flex": None,
}

# Consonance's efficiency is that of the first rounds: the ceiling takes longer than the steps.
CEILING_ROUNDS = 2

# How far a peer's first losses may be from float64, relative: sums of up to 2048 numbers of 24 bits
# through nine layers and two updates stay below it (the report shows each). Another initial value,
# row, loss, reduction, or a learning rate off by a hundredth lies above it.
LOSS_TOLERANCE = 2e-5
# Whose Adam adds ε before it corrects the second moment's bias: see numpy_peer.references.
EPSILON_HAT = ["sklearn"]

# Seconds after which a process counts as hanging.
PATIENCE = 600


def parse_arguments():
    def names(known):
        def parse(text):
            for name in text.split(","):
                if name not in known:
                    raise argparse.ArgumentTypeError(f"{name}: expected of {', '.join(known)}")
            return text.split(",")

        return parse

    def numbers(text):
        return [int(n) for n in text.split(",")]

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--growth", action="store_true",
                   help="time networks that grow in width, batch and depth instead of the eight, "
                        "on all threads, and one of them on each number of threads")
    p.add_argument("--workloads", type=names(workloads.ALL))
    p.add_argument("--peers", type=names(PYTHON_PEERS + RUST_PEERS))
    p.add_argument("--rounds", type=int)
    p.add_argument("--seconds", type=float, help="of timing, for each mode and round")
    p.add_argument("--threads", type=numbers)
    p.add_argument("--backends", help="of Consonance")
    p.add_argument("--consonance", default=str(ROOT / "target/release/consonance"))
    p.add_argument("--no-consonance", action="store_true", help="time the peers alone")
    p.add_argument("--no-processes", action="store_true", help="leave out the whole processes")
    p.add_argument("--rust-peers", help="the program built from rust/")
    p.add_argument("--work", type=Path, default=ROOT / "target/peers", help="for the data")
    p.add_argument("--out", type=Path, required=True, help="the file for every measurement")
    if p.parse_known_args()[0].growth:
        grown = [name for name in workloads.ALL if name not in workloads.WORKLOADS]
        doubled = [2**i for i in range(cores.bit_length()) if 2**i < cores]
        p.set_defaults(workloads=grown, peers=list(GROWTH_PEERS), rounds=3, seconds=0.3,
                       threads=[*doubled, cores], backends="fused", no_processes=True)
    else:
        p.set_defaults(workloads=list(workloads.WORKLOADS), peers=PYTHON_PEERS + RUST_PEERS,
                       rounds=5, seconds=0.5, threads=sorted({1, cores}),
                       backends="fused,openblas")
    return p.parse_args()


def environment(threads, work):
    """What says how many threads compute, and nothing that slows a library on some machines."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
    for name in ("OMP", "MKL", "OPENBLAS", "RAYON", "MATMUL"):
        env[f"{name}_NUM_THREADS"] = str(threads)
    env["NPROC"] = str(threads)  # the size of XLA's thread pool
    env |= {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu", "PYTHONDONTWRITEBYTECODE": "1"}
    env |= {"TORCHINDUCTOR_CACHE_DIR": str(work / "inductor"), "TORCHINDUCTOR_COMPILE_THREADS": "1"}
    return env


def answer(command, env):
    """The JSON that a process prints on its last line; RuntimeError where there is none."""
    try:
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"no answer after {PATIENCE} s") from None
    except OSError as error:
        raise RuntimeError(str(error)) from None
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise RuntimeError(f"exit status {done.returncode}: {last}")
    try:
        return json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, json.JSONDecodeError):
        raise RuntimeError("its output ends without JSON") from None


def with_threads(mode, threads):
    return f"{mode}, {threads} thread{'s' if threads > 1 else ''}"


def time_peer(args, peer, workload, threads):
    """Runs a peer once: its version and a record for each of its modes."""
    folder = args.work / "data" / workload
    if peer in PYTHON_PEERS:
        command = [sys.executable, HERE / f"{peer}_peer.py", folder, args.seconds]
        if args.growth and GROWTH_PEERS.get(peer):
            command.append(GROWTH_PEERS[peer])
    else:
        command = [args.rust_peers, peer, folder, args.seconds]
    try:
        said = answer([str(c) for c in command], environment(threads, args.work))
    except RuntimeError as error:
        return None, [{"mode": with_threads("all", threads), "error": str(error)}]
    description = json.loads((folder / "workload.json").read_text())
    reference = description["reference_epsilon_hat" if peer in EPSILON_HAT else "reference"]
    records = []
    for mode, record in said["modes"].items():
        record = {"mode": with_threads(mode, threads)} | record
        if "losses" in record:
            pairs = zip(record["losses"], reference, strict=True)
            error = max(abs(loss - right) / abs(right) for loss, right in pairs)
            record["loss_error"] = error
            if not error <= LOSS_TOLERANCE:
                record["error"] = f"its first losses are off by {error:.1e}: {record['losses']}"
        records.append(record)
    return said.get("version"), records


def time_consonance(args, workload, threads, steps_only):
    """A record for each backend of Consonance."""
    w = workloads.ALL[workload]
    if workload in workloads.WORKLOADS:
        what = ["--workload", workload]
    else:
        what = ["--layers", ",".join(map(str, w.widths)), "--batch-size", str(w.batch)]
        what += ["--activation", w.activation, "--loss", w.loss, "--optimizer", w.optimizer]
    if w.full_batch:
        what.append("--in-order")
    if steps_only:
        what.append("--steps-only")
    records = []
    for backend in args.backends.split(","):
        command = [args.consonance, "bench", *what, "--backend", backend]
        command += ["--threads", str(threads), "--seconds", str(args.seconds), "--json"]
        record = {"mode": with_threads(backend, threads)}
        try:
            said = answer(command, environment(threads, args.work))
            record["microseconds"] = said["microseconds_per_step"]
            for key in ("gflops", "ceiling_gflops", "matrix_unit_gflops", "efficiency",
                        "allocations_per_step"):
                record[key] = said[key]
        except RuntimeError as error:
            record["error"] = str(error)
        except KeyError as error:
            record["error"] = f"its answer has no {error}"
        records.append(record)
    return records


def threads_for(args, workload, subject):
    """The numbers of threads to time a workload on: of the growing networks one on every number,
    Consonance also on one thread where width or batch grows, the others on all threads."""
    if not args.growth or workload == workloads.THREADED.name:
        return args.threads
    if subject == "consonance" and not workload.startswith("depth"):
        return sorted({min(args.threads), max(args.threads)})
    return [max(args.threads)]


def time_steps(args, results):
    subjects = args.peers if args.no_consonance else ["consonance", *args.peers]
    for round_ in range(args.rounds):
        # another one begins each round, so that nobody always follows the same neighbour
        turn = round_ % len(subjects)
        for workload in args.workloads:
            start = time.monotonic()
            for subject in subjects[turn:] + subjects[:turn]:
                for threads in threads_for(args, workload, subject):
                    if subject == "consonance":
                        steps_only = args.growth or round_ >= CEILING_ROUNDS
                        records = time_consonance(args, workload, threads, steps_only)
                    else:
                        version, records = time_peer(args, subject, workload, threads)
                        if version:
                            results["versions"][subject] = version
                    about = {"round": round_, "workload": workload, "subject": subject}
                    about["threads"] = threads
                    results["steps"] += [about | record for record in records]
            seconds = time.monotonic() - start
            say(f"round {round_ + 1} of {args.rounds}, {workload}: {seconds:.0f} s")
            save(args, results)


def time_processes(args, results):
    """Whole processes from a cold start to trained digits: wall time, peak memory, accuracy."""
    programs = {"torch": [sys.executable, str(HERE / "torch_train.py"), str(DIGITS)]}
    if not args.no_consonance:
        programs["consonance"] = [args.consonance, "train", "--quiet", "--json", "--out"]
    for round_ in range(args.rounds):
        for program, command in programs.items():
            for threads in args.threads:
                about = {"round": round_, "program": program, "threads": threads}
                results["processes"].append(about | time_process(args, command, threads))
        say(f"round {round_ + 1} of {args.rounds}, whole processes")
        save(args, results)


def time_process(args, command, threads):
    with tempfile.TemporaryDirectory(dir=args.work) as folder:
        memory = Path(folder) / "memory"
        if command[-1] == "--out":
            command = [*command, str(Path(folder) / "run"), "--threads", str(threads)]
        # GNU time is small: a child of this process would count this process's memory as its own
        command = ["/usr/bin/time", "-f", "%M", "-o", str(memory), *command]
        start = time.perf_counter()
        try:
            said = answer(command, environment(threads, args.work))
        except RuntimeError as error:
            return {"error": str(error)}
        seconds = time.perf_counter() - start
        megabytes = int(memory.read_text().split()[-1]) / 1024
        accuracy = said["accuracy"] if "accuracy" in said else said["test"]["accuracy"]
        return {"seconds": seconds, "megabytes": megabytes, "accuracy": accuracy}


def machine():
    def first(path, key, separator):
        try:
            lines = Path(path).read_text().splitlines()
        except OSError:
            return None
        found = [l.split(separator, 1)[1].strip().strip('"') for l in lines if l.startswith(key)]
        return found[0] if found else None

    flags = (first("/proc/cpuinfo", "flags", ":") or "").split()
    return {
        "cpu": first("/proc/cpuinfo", "model name", ":") or platform.processor(),
        "instructions": [f for f in ("avx2", "fma", "avx512f", "amx_tile") if f in flags],
        "hypervisor": "hypervisor" in flags,
        "cores": os.cpu_count(),
        "second_level_cache": second_level_cache(),
        "os": first("/etc/os-release", "PRETTY_NAME", "=") or platform.platform(),
        "kernel": f"{platform.system()} {platform.release()}",
        "load_before": list(os.getloadavg()),
    }


def second_level_cache():
    """Kibibytes of a core's second-level cache; None where the system does not say."""
    for cache in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"):
        if (cache / "level").read_text().strip() == "2":
            return int((cache / "size").read_text().strip().removesuffix("K"))
    return None


def versions(args):
    def line(*command):
        try:
            return subprocess.run(command, capture_output=True, text=True, cwd=ROOT).stdout.strip()
        except OSError:
            return ""

    found = {"python": platform.python_version(), "rustc": line("rustc", "--version")}
    pinned = tomllib.loads((HERE / "rust/Cargo.toml").read_text())["dependencies"]
    found["candle"] = pinned["candle-nn"].lstrip("=")
    found["burn-flex"] = found["burn-ndarray"] = pinned["burn"]["version"].lstrip("=")
    if not args.no_consonance:
        commit = line("git", "rev-parse", "--short", "HEAD")
        changed = " with changes" if line("git", "status", "--porcelain", "-uno") else ""
        found["consonance"] = f"{line(args.consonance, '--version')}, commit {commit}{changed}"
    return found


def say(text):
    print(text, file=sys.stderr, flush=True)


def save(args, results):
    args.out.write_text(json.dumps(results, indent=1) + "\n")


def main():
    args = parse_arguments()
    results = {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "machine": machine(),
        "versions": versions(args),
        "settings": {
            "rounds": args.rounds,
            "seconds": args.seconds,
            "threads": args.threads,
            "loss_tolerance": LOSS_TOLERANCE,
            "checked_steps": workloads.CHECKED_STEPS,
            "ceiling_rounds": 0 if args.growth else min(args.rounds, CEILING_ROUNDS),
        },
        "workloads": {},
        "steps": [],
        "processes": [],
    }
    if args.growth:
        results["threaded"] = workloads.THREADED.name
        results["series"] = {
            series: [[size, w.name] for size, w in sizes.items() if w.name in args.workloads]
            for series, sizes in workloads.GROWTH.items()
        }
    for name in args.workloads:
        workload = workloads.ALL[name]
        workloads.write(workload, args.work / "data" / name, numpy_peer.references)
        shown = {"layers": str(workload), "rows": workload.rows, "flops": workload.flops}
        results["workloads"][name] = vars(workload) | shown
    say("the data is drawn, the float64 reference computed")
    time_steps(args, results)
    if not args.no_processes:
        time_processes(args, results)


if __name__ == "__main__":
    main()
