/* false: does nothing, unsuccessfully. [POSIX XCU false] */
int main(void)
{
    return 1;
}
