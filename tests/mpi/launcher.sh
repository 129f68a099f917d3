# What starts several processes on this machine: $mpirun (MPIRUN, such as mpirun.mpich) and its $options.
# mpi.sh and share.sh source this.
mpirun=${MPIRUN:-mpirun}
options=
# Open MPI starts more processes than there are CPUs, and root's, only when it is told to.
if $mpirun --version 2>&1 | grep -q 'Open MPI'; then
    options=--oversubscribe
    [ "$(id -u)" -ne 0 ] || export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    export OMPI_MCA_btl_vader_single_copy_mechanism=none # what it does otherwise containers may forbid
fi
