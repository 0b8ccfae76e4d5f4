/* The floating-point environment. Exceptions do not trap, so raising one is setting its flag. */
#include <fenv.h>
#include <stdint.h>

static uint64_t get_fpsr(void)
{
    uint64_t value;

    __asm__ volatile("mrs %0, fpsr" : "=r"(value));
    return value;
}

static void set_fpsr(uint64_t value)
{
    __asm__ volatile("msr fpsr, %0" : : "r"(value));
}

static uint64_t get_fpcr(void)
{
    uint64_t value;

    __asm__ volatile("mrs %0, fpcr" : "=r"(value));
    return value;
}

static void set_fpcr(uint64_t value)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(value));
}

int feclearexcept(int exceptions)
{
    set_fpsr(get_fpsr() & ~(uint64_t)(exceptions & FE_ALL_EXCEPT));
    return 0;
}

int feraiseexcept(int exceptions)
{
    set_fpsr(get_fpsr() | (uint64_t)(exceptions & FE_ALL_EXCEPT));
    return 0;
}

int fetestexcept(int exceptions)
{
    return (int)(get_fpsr() & (uint64_t)(exceptions & FE_ALL_EXCEPT));
}

int fegetexceptflag(fexcept_t *flags, int exceptions)
{
    *flags = (fexcept_t)fetestexcept(exceptions);
    return 0;
}

int fesetexceptflag(const fexcept_t *flags, int exceptions)
{
    feclearexcept(exceptions);
    return feraiseexcept((int)*flags & exceptions);
}

int fegetround(void)
{
    return (int)(get_fpcr() & FE_TOWARDZERO);
}

int fesetround(int mode)
{
    if (mode & ~FE_TOWARDZERO)
        return -1;
    set_fpcr((get_fpcr() & ~(uint64_t)FE_TOWARDZERO) | (uint64_t)mode);
    return 0;
}

int fegetenv(fenv_t *env)
{
    *env = (fenv_t){(unsigned)get_fpcr(), (unsigned)get_fpsr()};
    return 0;
}

int feholdexcept(fenv_t *env)
{
    fegetenv(env);
    return feclearexcept(FE_ALL_EXCEPT);
}

int fesetenv(const fenv_t *env)
{
    set_fpcr(env == FE_DFL_ENV ? 0 : env->__fpcr);
    set_fpsr(env == FE_DFL_ENV ? 0 : env->__fpsr);
    return 0;
}

int feupdateenv(const fenv_t *env)
{
    int raised = fetestexcept(FE_ALL_EXCEPT);

    fesetenv(env);
    return feraiseexcept(raised);
}
