/* Never used on the host: DEBUG gives the kernel checked locks, which ipc_host.c has. */
