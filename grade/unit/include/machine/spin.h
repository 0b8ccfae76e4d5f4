/* Never used on the host: with DEBUG the kernel's locks are functions, which the test supplies. */
