// A program for CMakeLists.txt: which instruction sets of kernels this machine can run, as its exit code.
#include "../cpu.cpp"

int main() { return (inkhorn::cpu().avx2 ? 1 : 0) + (inkhorn::cpu().avx512 ? 2 : 0); }
