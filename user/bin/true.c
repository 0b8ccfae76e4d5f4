/* true: does nothing, successfully. [POSIX XCU true] */
int main(void)
{
    return 0;
}
