import CLinux

exit(0)
