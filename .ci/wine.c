// What Go programs use of Windows 10 and the Wine of Debian 12 has not. It is built as
// bcryptprimitives.dll, which every Go program loads before its first line.
#include <windows.h>
#include <ntsecapi.h>
#include <winternl.h>
#include <wchar.h>

#define CLASS_MISSING ((NTSTATUS)0xC0000003) // STATUS_INVALID_INFO_CLASS
#define NOT_THERE ((NTSTATUS)0xC0000002)     // STATUS_NOT_IMPLEMENTED
#define DENIED ((NTSTATUS)0xC0000022)        // STATUS_ACCESS_DENIED

// ProcessPrng fills data with random bytes, as RtlGenRandom does.
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size)
{
    while (size > 0) {
        ULONG part = size < 1 << 30 ? (ULONG)size : 1 << 30;
        if (!RtlGenRandom(data, part)) return FALSE;
        data += part;
        size -= part;
    }
    return TRUE;
}

typedef NTSTATUS(NTAPI *setter)(HANDLE, PIO_STATUS_BLOCK, PVOID, ULONG, ULONG);
static setter set;

// FILE_RENAME_INFORMATION with Flags, class 65.
struct renaming {
    ULONG flags;
    HANDLE root;
    ULONG size;
    WCHAR name[];
};

// renamePOSIX replaces a file of the same directory that is open, as NTFS does: by
// Linux's rename(2).
static NTSTATUS renamePOSIX(HANDLE file, const struct renaming *to)
{
    char *(__cdecl *unixName)(LPCWSTR) = (void *)GetProcAddress(GetModuleHandleA("kernel32.dll"), "wine_get_unix_file_name");
    WCHAR from[4 * MAX_PATH], name[8 * MAX_PATH];
    DWORD n = GetFinalPathNameByHandleW(file, from, 4 * MAX_PATH, 0), m = to->size / sizeof(WCHAR), dir = n;
    if (!unixName || n < 5 || n >= 4 * MAX_PATH || m >= 4 * MAX_PATH || wmemchr(to->name, '\\', m)) return CLASS_MISSING;
    while (from[dir - 1] != '\\') dir--;
    memcpy(name, from, dir * sizeof(WCHAR));
    memcpy(name + dir, to->name, m * sizeof(WCHAR));
    name[dir + m] = 0;
    char *source = unixName(from + 4), *target = unixName(name + 4); // without \\?\ .
    long result = -1;
    if (source && target)
        __asm__ volatile("syscall" : "=a"(result) : "a"(82L), "D"(source), "S"(target) : "rcx", "r11", "memory");
    HeapFree(GetProcessHeap(), 0, source);
    HeapFree(GetProcessHeap(), 0, target);
    return result == 0 ? 0 : DENIED;
}

// A Windows without a class of file information says that it does not know it, upon
// which programs do without, as os.RemoveAll. Wine says that nothing of it is written.
static NTSTATUS NTAPI setInformation(HANDLE file, PIO_STATUS_BLOCK io, PVOID info, ULONG size, ULONG class)
{
    if (class == 65 && ((struct renaming *)info)->flags == 3) return renamePOSIX(file, info);
    NTSTATUS status = set(file, io, info, size, class);
    return status == NOT_THERE ? CLASS_MISSING : status;
}

BOOL WINAPI DllMain(HINSTANCE self, DWORD reason, LPVOID reserved)
{
    (void)self, (void)reserved;
    if (reason != DLL_PROCESS_ATTACH) return TRUE;
    char *ntdll = (char *)GetModuleHandleA("ntdll.dll");
    set = (setter)(void *)GetProcAddress((HMODULE)ntdll, "NtSetInformationFile");
    IMAGE_NT_HEADERS *head = (IMAGE_NT_HEADERS *)(ntdll + ((IMAGE_DOS_HEADER *)ntdll)->e_lfanew);
    IMAGE_EXPORT_DIRECTORY *exports = (IMAGE_EXPORT_DIRECTORY *)(ntdll + head->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_EXPORT].VirtualAddress);
    DWORD *table = (DWORD *)(ntdll + exports->AddressOfFunctions), old;
    ULONG_PTR there = (ULONG_PTR)((char *)setInformation - ntdll);
    if (there >> 32) return FALSE; // see --image-base in .ci/windows
    for (DWORD i = 0; i < exports->NumberOfFunctions; i++) {
        if (ntdll + table[i] != (char *)(void *)set) continue;
        if (!VirtualProtect(&table[i], sizeof table[i], PAGE_READWRITE, &old)) return FALSE;
        table[i] = (DWORD)there;
        VirtualProtect(&table[i], sizeof table[i], old, &old);
    }
    return TRUE;
}
