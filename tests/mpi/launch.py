"""mpirun as the tests use it: on one machine, as root in a container too, without a network, with fixed BLAS threads."""
import os
import shutil
import subprocess

MPIRUN = shutil.which("mpirun")
ENVIRONMENT = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1", "OMPI_MCA_hwloc_base_binding_policy": "none",
    # Shared memory alone; its single-copy mechanism is not allowed in containers, and says so on stderr.
    "OMPI_MCA_btl": "self,vader", "OMPI_MCA_btl_vader_single_copy_mechanism": "none", "OMPI_MCA_plm_rsh_agent": "false",
    "OMPI_MCA_mpi_yield_when_idle": "1",
    "PRTE_ALLOW_RUN_AS_ROOT": "1", "PRTE_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


def environment():
    env = dict(os.environ, **ENVIRONMENT)
    # Open MPI and its daemons keep memory until they end; blocks of the library are counted by the tests themselves.
    env["ASAN_OPTIONS"] = env.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
    return env


def launch(ranks, command, **more):
    return subprocess.run([MPIRUN, "-n", str(ranks), *map(str, command)], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
                          env=environment(), **more)
