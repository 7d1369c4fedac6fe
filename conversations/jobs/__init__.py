"""The engine of long work: jobs on many conversations, which survive whatever ends a process.

control      what people do with a job: start, pause, resume, stop, retry
preparation  lists a job's items once, in batches
runner       does the work: takes batches, has them called, stores what came of them
lanes        the threads that call one credential's server
tasks        one item on its way to the server and back
kinds        what each kind of job does, one module a kind
rights       whether the person behind a job may still do it
schedule     the jobs that Convadmin makes by itself
queue        wakes workers, by huey

The queue delivers at most once, so nothing depends on it: what is to be done, and what is done, is told by the tables
of `models.job`, `models.job_batch` and `models.job_item`. A wake that is lost costs a minute.
"""
